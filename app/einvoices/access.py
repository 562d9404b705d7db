"""Guard of every e-invoice operation and page: the ability and the module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.accounts.guards import requires
from app.accounts.modules import needs_module

MODULE = "feature.einvoice_api"

View = Callable[..., Any]


def requires_einvoices(ability: str) -> Callable[[View], View]:
    """Require the ability and the module."""
    return lambda view: requires(ability)(needs_module(MODULE)(view))
