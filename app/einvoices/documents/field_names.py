"""Names of the API for places in the canonical form: ``lines[0].tax.category`` is ``items.0.vat_category``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Of a line.
_LINE = {
    "id": "name",
    "price.net": "unit_price",
    "net": "unit_price",
    "tax.category": "vat_category",
    "tax.rate": "vat_rate",
    "tax.exemption_code": "exemption_code",
    "tax.exemption_reason": "exemption_reason",
    "item.name": "name",
    "item.classifications": "hsn",
    "item.origin": "origin_country",
}
#: Of the seller and the buyer.
_PARTY = {
    "tax_ids": "tax_id",
    "contact.name": "contact_name",
    "contact.phone": "phone",
    "contact.email": "email",
}
#: Of the document.
_DOCUMENT = {
    "number": "seller.prefix",
    "process": "scenario",
    "type": "local_type",
    "tax_rule": "seller.tax_rule",
    "lines": "items",
    "withholdings": "items",
    "totals.prepaid": "prepaid_amount",
    "totals.rounding": "rounding_amount",
    "delivery.party.name": "delivery.name",
}
_ENTRY = re.compile(r"(\w+)\[(\d+)\](?:\.(.*))?")


def api_field(field: str) -> str:
    """The path of a field in a request, as in the errors of the API."""
    if place := _ENTRY.fullmatch(field):
        name, number, rest = place.groups()
        if name == "lines":
            return f"items.{number}.{_LINE.get(rest, rest.removeprefix('item.'))}" if rest else f"items.{number}"
        if name == "allowances":
            return f"allowances.{number}.{rest.replace('tax.', 'vat_').replace('vat_exemption', 'exemption')}"
        return f"payment.{rest}" if name == "payments" else name
    side, _, name = field.partition(".")
    if side in {"seller", "buyer"} and name:
        return f"{side}.{_PARTY.get(name, name.replace('address.', 'postal_address.'))}"
    if field.startswith("totals.") and field not in _DOCUMENT:
        return "items"
    return _DOCUMENT.get(field, field.replace("delivery.party.address.", "delivery.postal_address."))


def nested(errors: Mapping[str, list[str]]) -> dict[Any, Any]:
    """Errors by path as the errors of a request: ``items.0.unit`` is ``{"items": {0: {"unit": …}}}``.

    Texts of a path that has deeper ones stay beside them, under ``_schema`` as those of a whole object.
    """
    tree: dict[Any, Any] = {}
    for path, texts in errors.items():
        node, (*steps, last) = tree, [int(step) if step.isdecimal() else step for step in path.split(".")]
        for step in steps:
            below = node.setdefault(step, {})
            if isinstance(below, list):
                below = node[step] = {"_schema": below}
            node = below
        if isinstance(node.get(last), dict):
            node[last].setdefault("_schema", []).extend(texts)
        else:
            node.setdefault(last, []).extend(texts)
    return tree
