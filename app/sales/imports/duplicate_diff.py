"""Tells how a second import differs from what is stored, so that a retry is told from a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.sales.models.invoices import SalesInvoice

_BLANK_WHEN_ABSENT = ("created_by", "temp_name", "remarks")
_HEADER = ("invoice_date", "priority")
_ITEM_DEFAULTS: Mapping[str, Any] = {
    "name": None,
    "item_code": None,
    "quantity": None,
    "mrp": None,
    "expiry_date": None,
    "barcode": "",
    "company_name": "",
    "packing": "",
    "shelf_location": "",
    "batch_no": "",
    "remarks": "",
}


def differences(stored: SalesInvoice, data: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths (``items.1.mrp``) at which ``data`` says something else than what is stored now.

    Customer fields that were left out are not compared: leaving out means keeping.
    """
    return tuple(_different(stored, data))


def _different(stored: SalesInvoice, data: Mapping[str, Any]) -> Iterator[str]:
    for name in _HEADER:
        if getattr(stored, name) != data[name]:
            yield name
    for name in _BLANK_WHEN_ABSENT:
        if getattr(stored, name) != data.get(name, ""):
            yield name
    if (stored.salesman.name if stored.salesman else None) != data.get("salesman"):
        yield "salesman"
    if stored.declared_total != data.get("declared_total"):
        yield "Total"
    if stored.extra != data.get("extra"):
        yield "metadata"
    for name, value in data["customer"].items():
        if getattr(stored.customer, name) != value:
            yield f"customer.{name}"
    yield from _different_items(stored, data["items"])


def _different_items(stored: SalesInvoice, items: list[Mapping[str, Any]]) -> Iterator[str]:
    if len(stored.items) != len(items):
        yield "items"
        return
    for number, (line, item) in enumerate(zip(stored.items, items, strict=True)):
        for name, default in _ITEM_DEFAULTS.items():
            if getattr(line, name) != item.get(name, default):
                yield f"items.{number}.{name}"
