"""Where e-invoices can be made from: readers of other rooms' invoices, handed in by ``create_app()``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

#: Gives an invoice by its number as ``buyer``, ``items`` (``sku``, ``name``, ``quantity``, ``unit_price``) and
#: ``notes``; raises ``NotFound`` when there is none.
Reader = Callable[[str], Mapping[str, Any]]

SOURCES: dict[str, Reader] = {}
