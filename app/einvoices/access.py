"""Who is asking about e-invoices: the guard of every operation and page, and whose e-invoices the caller may see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.accounts.guards import requires
from app.accounts.modules import needs_module
from app.accounts.principals import authenticate
from app.einvoices.queries import lookup
from app.kernel.errors import Forbidden

MODULE = "feature.einvoice_api"

View = Callable[..., Any]


def requires_einvoices(ability: str) -> Callable[[View], View]:
    """Ask for the ability and the module."""
    return lambda view: requires(ability)(needs_module(MODULE)(view))


def owner_id_for() -> int:
    """Whose e-invoice a new one will be."""
    caller = authenticate()
    if caller.user_id is None:
        raise Forbidden
    return caller.user_id


def scope() -> lookup.Scope:
    """Whose e-invoices the caller may see: everybody's for an administrator, else the caller's own."""
    return None if authenticate().sees_everything else owner_id_for()
