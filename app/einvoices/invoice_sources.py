"""Registry of invoice sources: functions of other packages that read an invoice; ``create_app()`` registers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

#: Returns the invoice with a number as ``buyer``, ``items`` (``sku``, ``name``, ``quantity``, ``unit_price``) and
#: ``notes``; raises ``NotFound`` when no invoice has the number.
Reader = Callable[[str], Mapping[str, Any]]

SOURCES: dict[str, Reader] = {}
