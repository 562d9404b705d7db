"""Who calls this surface, and whose endpoints are meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.accounts.guards import requires
from app.accounts.modules import needs_module
from app.accounts.principals import authenticate
from app.kernel.errors import Forbidden
from app.webhooks.endpoints.service import Scope
from app.webhooks.sender.claims import MODULE

ABILITY = "webhooks:manage"

View = Callable[..., Any]


def requires_webhooks(view: View) -> View:
    """Every operation of this surface asks for the ability and for the module."""
    return requires(ABILITY)(needs_module(MODULE)(view))


def owner() -> int:
    """Whose endpoint a new one will be."""
    caller = authenticate()
    if caller.user_id is None:
        raise Forbidden
    return caller.user_id


def scope() -> Scope:
    """Whose endpoints the caller may see."""
    return None if authenticate().sees_everything else owner()


def actor() -> str:
    """The caller as the audit trail names it."""
    return authenticate().credential


def may_allow() -> bool:
    """Whether the caller may let an endpoint be somewhere else than at a public address."""
    return authenticate().sees_everything
