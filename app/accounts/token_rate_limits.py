"""How often a token may call: counted in Redis by Flask-Limiter, in the process while Redis is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.accounts.principals import authenticate, resolved_caller
from app.extensions import limiter

View = Callable[..., Any]
#: The one ability whose calls are also counted by themselves.
STATUS_ABILITY = "einvoices:status"


def with_rate_limits(view: View, ability: str) -> View:
    """Count the call of a token, whatever becomes of it, before ``view`` sees it."""
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


def _per_minute(number: int | None) -> str:
    """A limit as Flask-Limiter reads it; empty is none."""
    return "" if number is None else f"{number} per minute"
