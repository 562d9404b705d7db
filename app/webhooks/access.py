"""Guard of every webhook operation and page, the events a caller may direct."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app import events
from app.accounts.guards import requires
from app.accounts.modules import needs_module
from app.accounts.principals import authenticate, credential_ids
from app.webhooks.errors import EventsNotReadable
from app.webhooks.sender.claims import MODULE

ABILITY = "webhooks:manage"

View = Callable[..., Any]


def requires_webhooks(view: View) -> View:
    """Let in only callers with the ability ``webhooks:manage`` whose user has the module."""
    return requires(ABILITY)(needs_module(MODULE)(view))


def require_events(*patterns: str) -> None:
    """Refuse a caller who may not read the data of all events of ``patterns`` by the API of their package.

    Raises:
        EventsNotReadable: the abilities that are missing are named.
    """
    if missing := events.missing_abilities(patterns, authenticate().abilities):
        raise EventsNotReadable(missing)


def directing_token() -> int | None:
    """Id of the token of the caller, which an endpoint keeps; None for a person."""
    return next(iter(credential_ids("token", [authenticate().credential])), None)
