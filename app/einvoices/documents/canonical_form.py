"""The canonical form of an e-invoice: what all legal documents say, made from its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.einvoices import sellers
from app.einvoices.currencies import CURRENCIES
from app.einvoices.documents.canonical_lines import allowances_of, line_of, totals_of, vat_of, withholding_of
from app.einvoices.documents.canonical_parties import buyer_party, delivery_of, payments_of, seller_party
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.legal_fields import TaxRule
from app.einvoices.status import Type
from app.formats.canonical import Format, Invoice, Reference

#: UNTDID 1001: invoice, credit note.
_INVOICE, _CREDIT_NOTE = "380", "381"


@dataclass(frozen=True, slots=True)
class IssueFacts:
    """What the issue decides: number, moment, the seller as it is stored, and the day when the payment is due."""

    number: str | None
    moment: datetime
    seller: Mapping[str, Any]
    due_date: date | None


def issue_facts_of(einvoice: Einvoice) -> IssueFacts:
    """Those of an issued e-invoice.

    Raises:
        ValueError: it is a draft.
    """
    if einvoice.seller is None or einvoice.issued_at is None:
        raise ValueError(f"e-invoice {einvoice.id} has not been issued")
    return IssueFacts(
        einvoice.official_no or einvoice.invoice_no, einvoice.issued_at, einvoice.seller, einvoice.due_date
    )


def build(einvoice: Einvoice, facts: IssueFacts, original: Einvoice | None = None) -> Invoice:
    """The form of an e-invoice whose items are loaded.

    Args:
        original: of a return or credit note.
    """
    local = facts.moment.astimezone(sellers.parse_timezone(facts.seller["timezone"]))
    said: Mapping[str, Any] = einvoice.legal or {}
    digits = CURRENCIES[einvoice.currency]
    is_credit = einvoice.type != Type.SALE
    return Invoice(
        format=Format.HUB,
        process=said.get("scenario"),
        number=facts.number,
        uuid=str(einvoice.uuid) if einvoice.uuid else None,
        type=_CREDIT_NOTE if is_credit else _INVOICE,
        is_credit_note=is_credit,
        issue_date=local.date().isoformat(),
        issue_time=local.strftime("%H:%M:%S"),
        due_date=facts.due_date.isoformat() if facts.due_date else None,
        **_dates(said),
        currency=einvoice.currency,
        **_money(said),
        tax_rule=einvoice.tax_rule or TaxRule.PER_RATE.value,
        local_type=said.get("local_type"),
        supply_type=said.get("supply_type"),
        reverse_charge=said.get("reverse_charge"),
        buyer_reference=said.get("buyer_reference"),
        notes=tuple(text for text in (einvoice.notes, einvoice.reason) if text.strip()),
        references=tuple(_references(einvoice, said, original)),
        seller=seller_party(facts.seller),
        buyer=buyer_party(einvoice),
        delivery=delivery_of(einvoice),
        payments=payments_of(einvoice, facts.seller),
        lines=tuple(line_of(item, digits, einvoice.currency) for item in einvoice.items),
        allowances=allowances_of(einvoice),
        taxes=tuple(vat_of(einvoice)),
        withholdings=withholding_of(einvoice),
        totals=totals_of(einvoice),
    )


def _dates(said: Mapping[str, Any]) -> dict[str, Any]:
    period = said.get("period") or {}
    return {
        "tax_point_date": said.get("tax_point_date"),
        "payment_terms": said.get("payment_terms"),
        "period": (period.get("start"), period.get("end")) if period else None,
    }


def _money(said: Mapping[str, Any]) -> dict[str, Any]:
    rate = said.get("exchange_rate")
    return {
        "tax_currency": said.get("tax_currency"),
        "exchange_rate": None if rate is None else Decimal(rate),
        "exchange_date": said.get("exchange_date"),
        "exchange_source": said.get("exchange_source"),
    }


def _references(einvoice: Einvoice, said: Mapping[str, Any], original: Einvoice | None) -> Iterator[Reference]:
    """The references of the e-invoice; the order of the marketplace, if no other is named; the original."""
    named = said.get("references") or ()
    for each in named:
        yield Reference(kind=each["kind"], id=each["id"], date=each.get("date"), type=each.get("type"))
    if einvoice.marketplace_order_no and all(each["kind"] != "order" for each in named):
        yield Reference(kind="order", id=einvoice.marketplace_order_no)
    if original is not None:
        number = original.official_no or original.invoice_no
        day = original.issued_on
        yield Reference(kind="original", id=number or "", date=day.isoformat() if day else None)
