"""Rate limits of tokens: counted by Flask-Limiter in Redis, or in the process while Redis is unreachable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.accounts.principals import authenticate, resolved_caller
from app.extensions import limiter

View = Callable[..., Any]
#: Ability with a limit of its own besides the limit of all calls.
STATUS_ABILITY = "einvoices:status"


def with_rate_limits(view: View, ability: str) -> View:
    """Wrap a view so that each call of a token is counted before the view runs, whatever its outcome."""
    counted: View = limiter.shared_limit(_call_limit, scope="calls", key_func=_credential)(view)
    if ability == STATUS_ABILITY:
        counted = limiter.limit(_status_call_limit, key_func=_credential)(counted)
    return counted


def _credential() -> str:
    return authenticate().credential


def _call_limit() -> str:
    caller = resolved_caller()
    return _per_minute(caller.calls_per_minute) if caller else ""


def _status_call_limit() -> str:
    caller = resolved_caller()
    return _per_minute(caller.status_calls_per_minute) if caller else ""


def _per_minute(limit: int | None) -> str:
    """A limit in the syntax of Flask-Limiter; an empty text means no limit."""
    return "" if limit is None else f"{limit} per minute"
