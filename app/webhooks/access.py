"""Guard of every webhook operation and page, and the right to allow internal receivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.accounts.guards import requires
from app.accounts.modules import needs_module
from app.accounts.principals import authenticate
from app.webhooks.sender.claims import MODULE

ABILITY = "webhooks:manage"

View = Callable[..., Any]


def requires_webhooks(view: View) -> View:
    """Let in only callers with the ability ``webhooks:manage`` whose user has the module."""
    return requires(ABILITY)(needs_module(MODULE)(view))


def may_allow() -> bool:
    """Whether the caller may allow an endpoint whose address is not public: an admin in person, not a token."""
    caller = authenticate()
    return caller.sees_everything and caller.signed_in
