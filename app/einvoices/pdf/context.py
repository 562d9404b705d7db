"""Template context of the e-invoice PDF: formatted texts and plain values, built from stored data only."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from app.einvoices import sellers
from app.einvoices.currencies import CURRENCIES
from app.einvoices.documents.canonical_form import IssueFacts
from app.einvoices.lifecycle.totals import Line, shown_price
from app.einvoices.models.einvoices import Einvoice, EinvoiceItem
from app.einvoices.models.legal_fields import TaxRule
from app.einvoices.models.sellers import SellerLogo
from app.einvoices.pdf.amount_in_words import in_words
from app.einvoices.pdf.item_columns import choose_columns
from app.einvoices.pdf.sum_columns import are_rates_narrow, sum_width
from app.einvoices.pdf.sums import SumFormats, rates_of, sum_rows
from app.einvoices.pdf.translations import DRAFT_MARK, labels_of
from app.einvoices.pdf.turkish_code import TurkishCode
from app.einvoices.status import Status, Type
from app.kernel import json
from app.kernel.money import plain_decimal
from app.pdf.number_format import count_decimals, format_number
from app.pdf.qr import QrImage, qr_image

TEMPLATES = Path(__file__).parents[1] / "templates"
TEMPLATE = "einvoice.html"
#: Size of a part, in characters; a row counts as so many besides its text. A part of 300 usual rows takes 3 s.
PART_WEIGHT, ROW_WEIGHT = 30_000, 60
#: Of a document in one part; ``split_into_parts`` changes it. The caller may add a root.
_WHOLE = {"root": None, "first_row": 1, "is_first": True, "is_last": True}


def build_context(
    einvoice: Einvoice,
    facts: IssueFacts,
    original_no: str | None,
    logo: SellerLogo | None,
    code: TurkishCode | None = None,
) -> dict[str, Any]:
    """The template context of an e-invoice, or of the preview of a draft, whose items are loaded.

    Args:
        code: of an e-invoice of Türkiye; others have the hub's own QR code.
    """
    seller, moment = facts.seller, facts.moment
    language = seller["language"]
    formats = _formats(einvoice, language)
    label = formats.label
    local = moment.astimezone(sellers.parse_timezone(seller["timezone"]))
    return {
        "language": language,
        "label": label,
        "draft_mark": DRAFT_MARK,
        **_kind(einvoice),
        "invoice_no": einvoice.invoice_no or f"{label['draft']} {einvoice.id}",
        "original_no": original_no,
        "issued": local.strftime("%d.%m.%Y %H:%M" if language == "tr" else "%Y-%m-%d %H:%M"),
        "created": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seller": seller,
        "buyer": einvoice.buyer,
        "facts": _facts(einvoice, _day(facts.due_date, language), original_no, code),
        **_amounts(einvoice, formats),
        "words": in_words(einvoice.amount_due, einvoice.currency, language),
        "notes": einvoice.notes,
        "code": code,
        "qr": _qr(einvoice, seller, local, code) if einvoice.number is not None else None,
        "logo": _data_url(logo) if logo else None,
        **_WHOLE,
    }


def _formats(einvoice: Einvoice, language: str) -> SumFormats:
    number = partial(format_number, language=language, by_two=(einvoice.currency, language) == ("INR", "en"))
    label = labels_of(language, einvoice.type, is_gst=einvoice.tax_rule == TaxRule.GST_ITEM)
    return SumFormats(partial(number, digits=CURRENCIES[einvoice.currency]), number, label)


def _amounts(einvoice: Einvoice, formats: SumFormats) -> dict[str, Any]:
    items = [_item(item, formats, CURRENCIES[einvoice.currency]) for item in einvoice.items]
    rates = [
        {"rate": formats.percent(rate.rate), "net": formats.amount(rate.net), "vat": formats.amount(rate.vat)}
        for rate in rates_of(einvoice)
    ]
    sums = sum_rows(einvoice, formats)
    return {
        "items": items,
        "columns": choose_columns(items, formats.label),
        "rates": rates,
        "rates_are_narrow": are_rates_narrow(rates),
        "sums": sums,
        "sum_width": sum_width(sums, einvoice.currency),
        "has_changes": bool(einvoice.allowances),
        "currency": einvoice.currency,
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


def _facts(
    einvoice: Einvoice, due_date: str | None, original_no: str | None, code: TurkishCode | None
) -> list[tuple[str, str]]:
    facts = (
        ("official_no", einvoice.official_no if einvoice.official_no != einvoice.invoice_no else None),
        ("scenario", code and code.scenario),
        ("local_type", code and code.type),
        ("due_date", due_date),
        ("original", original_no),
        ("order", einvoice.marketplace_order_no),
        ("marketplace", einvoice.marketplace),
        ("reason", einvoice.reason),
    )
    return [(name, value) for name, value in facts if value]


def _item(item: EinvoiceItem, formats: SumFormats, digits: int) -> dict[str, str]:
    """The texts of a line. Gross less discount is net, and net plus VAT is the total, to the last digit."""
    price = shown_price(Line(item.quantity, item.unit_price, item.discount_amount, item.vat_rate), item.net, digits)
    number, amount = formats.number, formats.amount
    return {
        "sku": item.sku,
        "name": item.name,
        "quantity": number(item.quantity),
        "unit_price": number(price, digits=max(2, count_decimals(price))),
        "gross": amount(item.net + item.discount_amount),
        "discount": amount(item.discount_amount) if item.discount_amount else "",
        "net": amount(item.net),
        "vat_rate": formats.percent(item.vat_rate),
        "vat": amount(item.vat_amount),
        "total": amount(item.total),
    }


def _day(day: date | None, language: str) -> str | None:
    return None if day is None else day.strftime("%d.%m.%Y" if language == "tr" else "%Y-%m-%d")


def _qr(einvoice: Einvoice, seller: Mapping[str, Any], local: datetime, code: TurkishCode | None) -> QrImage:
    if code is not None:
        return qr_image(code.text)
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
