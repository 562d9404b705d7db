"""Facts of a draft that legal formats need: header and buyer, stored under the names of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.einvoices.models.einvoices import BUYER, Einvoice
from app.einvoices.models.legal_fields import BUYER_FACTS, DOCUMENT_COLUMNS, DOCUMENT_FACTS
from app.formats.tax_numbers import fault_of
from app.kernel import json
from app.kernel.errors import Invalid
from app.kernel.messages import N_

#: Facts that a copy of an e-invoice does not take over: a credit note has its own dates and payment.
_OF_THE_DOCUMENT = frozenset({"allowances", "payment_terms", "tax_point_date", "payment", "local_type"})


def apply(einvoice: Einvoice, data: Mapping[str, Any]) -> None:
    """Set the facts that a request names; null, an empty text and an empty list remove one.

    Raises:
        Invalid: the tax number of the buyer does not fit its scheme.
    """
    for name in DOCUMENT_COLUMNS:
        if name in data:
            setattr(einvoice, name, data[name])
    einvoice.legal = merged(einvoice.legal, {name: data[name] for name in DOCUMENT_FACTS if name in data})
    buyer = data.get("buyer", {})
    for name in BUYER:
        if name in buyer:
            setattr(einvoice, f"buyer_{name}", buyer[name])
    einvoice.buyer_legal = merged(einvoice.buyer_legal, {name: buyer[name] for name in BUYER_FACTS if name in buyer})
    if fault := fault_of((einvoice.buyer_legal or {}).get("tax_scheme"), einvoice.buyer_tax_id):
        raise Invalid({"buyer": {"tax_id": [fault]}})


def require_payable(einvoice: Einvoice) -> None:
    """Refuse a draft whose payable amount is negative.

    Raises:
        Invalid: more was paid than the e-invoice asks for.
    """
    if einvoice.amount_due < 0:
        field = "prepaid_amount" if einvoice.prepaid_amount else "rounding_amount"
        raise Invalid({field: [N_("The payable amount may not be negative.")]})


def facts_of_request(einvoice: Einvoice) -> dict[str, Any]:
    """The facts of an e-invoice as a request has them, without allowances, which belong to its lines."""
    facts = {name: getattr(einvoice, name) for name in DOCUMENT_COLUMNS}
    return facts | {name: value for name, value in (einvoice.legal or {}).items() if name != "allowances"}


def facts_for_credit(original: Einvoice) -> dict[str, Any]:
    """The columns that a return or credit note takes over from its sale."""
    kept = {name: value for name, value in (original.legal or {}).items() if name not in _OF_THE_DOCUMENT}
    return {
        "legal": kept or None,
        "buyer_legal": original.buyer_legal,
        "tax_rule": original.tax_rule,
        "is_interstate": original.is_interstate,
    }


def plain(value: Any) -> Any:
    """A value as it is after a way through a JSON column."""
    return json.decode(json.encode(value))


def merged(stored: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Stored facts with some changes; null, an empty text and an empty list remove one."""
    if not changes:
        return dict(stored) if stored else None
    kept = {name: value for name, value in {**(stored or {}), **changes}.items() if value not in (None, "", [], {})}
    return plain(kept) if kept else None
