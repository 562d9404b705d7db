"""Access to webhooks: the required ability and module, and the caller's owner id, scope and audit name."""

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
    """Let only callers with the ability and the module use this view."""
    return requires(ABILITY)(needs_module(MODULE)(view))


def owner() -> int:
    """Id of the user who will own a new endpoint."""
    caller = authenticate()
    if caller.user_id is None:
        raise Forbidden
    return caller.user_id


def scope() -> Scope:
    """Owner of the endpoints that the caller may see; None means all owners."""
    return None if authenticate().sees_everything else owner()


def actor() -> str:
    """The caller's name in the audit trail."""
    return authenticate().credential


def may_allow() -> bool:
    """Whether the caller may allow an endpoint outside public addresses."""
    return authenticate().sees_everything
