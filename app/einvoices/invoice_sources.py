"""Registry of invoice sources: functions of other packages that read an invoice; ``create_app()`` registers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class InvoiceSource:
    """How e-invoices read the invoices of another package.

    Attributes:
        read: returns the invoice with a number as ``buyer`` (with the facts of legal documents that are known),
            ``items`` (``sku``, ``name``, ``quantity``, ``unit_price``, ``barcode``, ``batch``, ``expiry``) and
            ``notes``; raises ``NotFound`` when no invoice has the number.
        lock: locks the invoice with a number until the commit, and returns whether it is in review.
        is_in_review: the same without a lock.
        was_corrected: whether the invoice with a number was corrected after a moment.
    """

    read: Callable[[str], Mapping[str, Any]]
    lock: Callable[[str], bool]
    is_in_review: Callable[[str], bool]
    was_corrected: Callable[[str, datetime], bool]


SOURCES: dict[str, InvoiceSource] = {}
