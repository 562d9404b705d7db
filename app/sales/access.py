"""Caller of the present request as the services of sales take it."""

from __future__ import annotations

from app.accounts.principals import authenticate
from app.sales.floor.history import Actor


def actor() -> Actor:
    """The caller with name, user, role and credential."""
    caller = authenticate()
    return Actor(caller.name, caller.user_id, caller.role, caller.credential)
