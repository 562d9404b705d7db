"""Template context of the e-invoice PDF: formatted texts and plain values, built from stored data only."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from app.einvoices import sellers
from app.einvoices.content import document_allowances
from app.einvoices.currencies import CURRENCIES
from app.einvoices.documents.canonical_form import IssueFacts
from app.einvoices.lifecycle.totals import ZERO, Line, shown_price, sum_by_rate
from app.einvoices.models.einvoices import Einvoice, EinvoiceItem
from app.einvoices.models.sellers import SellerLogo
from app.einvoices.pdf.amount_in_words import in_words
from app.einvoices.pdf.translations import DRAFT_MARK, LABELS
from app.einvoices.status import Status, Type
from app.kernel import json
from app.kernel.money import plain_decimal
from app.pdf.number_format import count_decimals, format_number
from app.pdf.qr import qr_image

TEMPLATES = Path(__file__).parents[1] / "templates"
TEMPLATE = "einvoice.html"
#: Size of a part, in characters; a row counts as so many besides its text. A part of 300 usual rows takes 3 s.
PART_WEIGHT, ROW_WEIGHT = 30_000, 60


def build_context(
    einvoice: Einvoice, facts: IssueFacts, original_no: str | None, logo: SellerLogo | None
) -> dict[str, Any]:
    """The template context of an e-invoice, or of the preview of a draft, whose items are loaded."""
    seller, moment = facts.seller, facts.moment
    language = seller["language"]
    number = partial(format_number, language=language, by_two=(einvoice.currency, language) == ("INR", "en"))
    amount = partial(number, digits=CURRENCIES[einvoice.currency])
    local = moment.astimezone(sellers.parse_timezone(seller["timezone"]))
    return {
        "language": language,
        "label": LABELS[language],
        "draft_mark": DRAFT_MARK,
        **_kind(einvoice),
        "invoice_no": einvoice.invoice_no or f"{LABELS[language]['draft']} {einvoice.id}",
        "issued": local.strftime("%d.%m.%Y %H:%M" if language == "tr" else "%Y-%m-%d %H:%M"),
        "created": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seller": seller,
        "buyer": einvoice.buyer,
        "facts": _facts(einvoice, _day(facts.due_date, language), original_no),
        "items": [_item(item, number, CURRENCIES[einvoice.currency]) for item in einvoice.items],
        "root": None,
        "first_row": 1,
        "is_first": True,
        "is_last": True,
        "rates": _rates(einvoice, number, amount),
        **_sums(einvoice, amount),
        "currency": einvoice.currency,
        "words": in_words(einvoice.amount_due, einvoice.currency, language),
        "notes": einvoice.notes,
        "qr": _qr(einvoice, seller, local) if einvoice.number is not None else None,
        "logo": _data_url(logo) if logo else None,
    }


def split_into_parts(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The context of each part of an e-invoice: a long one is rendered in parts, which other documents can follow."""
    groups: list[list[dict[str, str]]] = [[]]
    weight = 0
    for item in data["items"]:
        weight += item_weight(item)
        if weight > PART_WEIGHT and groups[-1]:
            groups.append([])
            weight = item_weight(item)
        groups[-1].append(item)
    parts, first_row = [], 1
    for number, items in enumerate(groups, 1):
        ends = {"is_first": number == 1, "is_last": number == len(groups)}
        parts.append({**data, "items": items, "first_row": first_row, **ends})
        first_row += len(items)
    return parts


def item_weight(item: dict[str, str]) -> int:
    """What an item adds to the size of its part."""
    return ROW_WEIGHT + len(item["name"]) + len(item["sku"] or "")


def _kind(einvoice: Einvoice) -> dict[str, Any]:
    is_cancelled = einvoice.status == Status.CANCELLED
    marks = {"is_test": einvoice.is_test, "is_cancelled": is_cancelled, "is_draft": einvoice.number is None}
    return {"kind": einvoice.type, "is_sale": einvoice.type == Type.SALE, **marks}


def _facts(einvoice: Einvoice, due_date: str | None, original_no: str | None) -> list[tuple[str, str]]:
    facts = (
        ("official_no", einvoice.official_no if einvoice.official_no != einvoice.invoice_no else None),
        ("due_date", due_date),
        ("original", original_no),
        ("order", einvoice.marketplace_order_no),
        ("marketplace", einvoice.marketplace),
        ("reason", einvoice.reason),
    )
    return [(name, value) for name, value in facts if value]


def _item(item: EinvoiceItem, number: Any, digits: int) -> dict[str, str]:
    price = shown_price(Line(item.quantity, item.unit_price, item.discount_amount, item.vat_rate), item.net, digits)
    return {
        "sku": item.sku,
        "name": item.name,
        "quantity": number(item.quantity),
        "unit_price": number(price, digits=max(2, count_decimals(price))),
        "discount": number(item.discount_amount, digits=digits) if item.discount_amount else "",
        "vat_rate": number(item.vat_rate),
        "net": number(item.net, digits=digits),
    }


def _sums(einvoice: Einvoice, amount: Any) -> dict[str, Any]:
    return {
        "subtotal": amount(einvoice.subtotal),
        "gross_total": amount(_line_total(einvoice) + einvoice.discount_total),
        "changes": _changes(einvoice, amount),
        "due": _due(einvoice, amount),
        "discount_total": amount(einvoice.discount_total) if einvoice.discount_total else None,
        "grand_total": amount(einvoice.grand_total),
    }


def _day(day: date | None, language: str) -> str | None:
    return None if day is None else day.strftime("%d.%m.%Y" if language == "tr" else "%Y-%m-%d")


def _line_total(einvoice: Einvoice) -> Decimal:
    """The sum of the lines, before allowances and charges of the document."""
    return einvoice.subtotal + einvoice.allowance_total - einvoice.charge_total


def _changes(einvoice: Einvoice, amount: Any) -> list[tuple[str, str]]:
    """Allowances and charges of the document: the label and the amount with its sign."""
    rows = (("allowances", -einvoice.allowance_total), ("charges", einvoice.charge_total))
    return [(label, _signed(value, amount)) for label, value in rows if value]


def _due(einvoice: Einvoice, amount: Any) -> list[tuple[str, str]]:
    """What leads from the total to the payable amount; nothing where they are the same."""
    rows = (
        ("withheld", -(einvoice.withholding_total or ZERO)),
        ("prepaid", -(einvoice.prepaid_amount or ZERO)),
        ("rounding", einvoice.rounding_amount or ZERO),
    )
    shown = [(label, _signed(value, amount)) for label, value in rows if value]
    return [*shown, ("payable", amount(einvoice.amount_due))] if shown else []


def _signed(value: Decimal, amount: Any) -> str:
    return f"−{amount(-value)}" if value < 0 else str(amount(value))


def _rates(einvoice: Einvoice, number: Any, amount: Any) -> list[dict[str, str]]:
    sums = sum_by_rate((item.vat_rate, item.net, item.vat_amount) for item in einvoice.items)
    changes = document_allowances.adjustments(einvoice.allowances)
    return [
        {"rate": number(rate.rate), "net": amount(rate.net + changes.get(rate.rate, ZERO)), "vat": amount(rate.vat)}
        for rate in sums
    ]


def _qr(einvoice: Einvoice, seller: Mapping[str, Any], local: datetime) -> Markup:
    facts = {
        "no": einvoice.invoice_no,
        "type": einvoice.type,
        "date": local.date().isoformat(),
        "seller": seller["tax_id"],
        "buyer": einvoice.buyer_tax_id,
        "currency": einvoice.currency,
        "net": plain_decimal(einvoice.subtotal),
        "vat": plain_decimal(einvoice.tax_total),
        "total": plain_decimal(einvoice.grand_total),
    }
    return qr_image(json.encode_text(facts))


def _data_url(logo: SellerLogo) -> str:
    return f"data:{logo.media_type};base64,{base64.b64encode(logo.content).decode()}"
