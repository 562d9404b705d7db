"""Changes of a correction: each old and new value, by field and by item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sales.imports.derived_columns import INVOICE_ROW
from app.sales.models.invoices import SalesInvoice
from app.sales.schemas.invoices import InvoiceSchema

_shown = InvoiceSchema(
    only=(
        *(column.name for column in INVOICE_ROW),
        "customer",
        "salesman.name",
        "items",
        "total_amount",
    ),
    exclude=("customer.id", "invoice_no"),
)
_ABSENT: Mapping[str, Any] = {}


def snapshot(invoice: SalesInvoice) -> dict[str, Any]:
    """The values of an invoice that a correction may change, as the API shows them."""
    shown: dict[str, Any] = _shown.dump(invoice)
    return {**shown, "items": {item["line_no"]: item for item in shown["items"]}}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The changed fields as ``{field: {"old", "new"}}``; the customer by its fields, the items as a list by line."""
    fields = {name: _pair(before[name], after[name]) for name in before if name not in {"items", "customer"}}
    changed: dict[str, Any] = {name: pair for name, pair in fields.items() if pair["old"] != pair["new"]}
    if customer := _differing(before["customer"], after["customer"]):
        changed["customer"] = customer
    if items := _items(before["items"], after["items"]):
        changed["items"] = items
    return changed


def _items(before: Mapping[int, Any], after: Mapping[int, Any]) -> list[dict[str, Any]]:
    changed = []
    for line in sorted({*before, *after}):
        old, new = before.get(line, _ABSENT), after.get(line, _ABSENT)
        if fields := _differing(old, new):
            change = "changed" if old and new else "added" if new else "removed"
            named = old or new
            changed.append(
                {
                    "line_no": line,
                    "item_code": named["item_code"],
                    "barcode": named["barcode"],
                    "change": change,
                    "fields": fields,
                }
            )
    return changed


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    names = [name for name in {**old, **new} if name not in {"id", "line_no"}]
    return {name: _pair(old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def _pair(old: Any, new: Any) -> dict[str, Any]:
    return {"old": old, "new": new}
