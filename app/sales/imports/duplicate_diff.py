"""Differences between an invoice that is sent again and the stored one: they tell a retry from a mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.sales.imports.derived_columns import CUSTOMER, INVOICE, ITEM, Column
from app.sales.models.invoices import SalesInvoice


def differences(stored: SalesInvoice, data: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths (``items.1.mrp``) at which ``data`` differs from what is stored now.

    Customer fields that were left out are not compared: the import keeps their stored values.
    """
    return tuple(_paths(stored, data))


def _paths(stored: SalesInvoice, data: Mapping[str, Any]) -> Iterator[str]:
    yield from _differing(INVOICE, stored, data)
    customer = data["customer"]
    sent = [column for column in CUSTOMER if column.name in customer]
    yield from (f"customer.{key}" for key in _differing(sent, stored.customer, customer))
    if len(stored.items) != len(data["items"]):
        yield "items"
        return
    for number, (line, item) in enumerate(zip(stored.items, data["items"], strict=True)):
        yield from (f"items.{number}.{key}" for key in _differing(ITEM, line, item))


def _differing(columns: Iterable[Column], row: Any, data: Mapping[str, Any]) -> Iterator[str]:
    for column in columns:
        if getattr(row, column.attribute) != data.get(column.name, column.blank):
            yield column.key
