"""How often a token may call: counted in Redis by Flask-Limiter, in the process while Redis is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.accounts.principals import authenticate, known_caller
from app.extensions import limiter

View = Callable[..., Any]
#: The one ability whose calls are also counted by themselves.
STATUS = "einvoices:status"


def limited(view: View, ability: str) -> View:
    """Count the call of a token, whatever becomes of it, before ``view`` sees it."""
    counted: View = limiter.shared_limit(_calls, scope="calls", key_func=_caller)(view)
    if ability == STATUS:
        counted = limiter.limit(_status_calls, key_func=_caller)(counted)
    return counted


def _caller() -> str:
    return authenticate().credential


def _calls() -> str:
    caller = known_caller()
    return _per_minute(caller.calls_per_minute) if caller else ""


def _status_calls() -> str:
    caller = known_caller()
    return _per_minute(caller.status_calls_per_minute) if caller else ""


def _per_minute(number: int | None) -> str:
    """A limit as Flask-Limiter reads it; empty is none."""
    return "" if number is None else f"{number} per minute"
