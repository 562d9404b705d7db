"""Pick slip of a sales invoice: its lines in the order of the shelves, to be ticked on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from app.pdf.number_format import format_number
from app.pdf.print_queue import Document
from app.pdf.qr import qr_image
from app.sales.models.invoices import SalesInvoice, SalesItem
from app.sales.prints.translations import LABELS

TEMPLATES, TEMPLATE = Path(__file__).parents[1] / "templates", "pick_slip.html"
#: Lines that are rendered at once.
LINES_PER_PART = 300
#: Letters of a shelf, and the number that follows them.
_SHELF_PART = re.compile(r"([^0-9]*)([0-9]*)")


def build_document(invoice: SalesInvoice, language: str, user_id: int | None) -> Document:
    """The pick slip of an invoice that is loaded in full."""
    parts = list(_parts(invoice, language))
    word = LABELS[language]["page"] if len(parts) > 1 else None
    return Document(TEMPLATES, TEMPLATE, parts, word, user_id)


def _parts(invoice: SalesInvoice, language: str) -> Iterator[dict[str, Any]]:
    number = partial(format_number, language=language)
    label = LABELS[language]
    # Shelves first; what has no shelf is searched for at the end.
    items = sorted(invoice.items, key=lambda item: (not item.shelf_location, _place(item.shelf_location), item.line_no))
    head = {
        "language": language,
        "label": label,
        "title": f"{label['pick_slip']} {invoice.invoice_no}",
        "timestamp": invoice.updated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "invoice_no": invoice.invoice_no,
        "is_urgent": invoice.priority == "HIGH",
        "code": qr_image(invoice.invoice_no),
        "customer": invoice.customer,
        "address": address_lines(invoice),
        "facts": [(name, value) for name, value in _facts(invoice, label, language) if value],
        "line_count": number(Decimal(len(items))),
        "pieces": number(Decimal(sum(item.quantity for item in items))),
    }
    chunks = [items[start : start + LINES_PER_PART] for start in range(0, len(items), LINES_PER_PART)]
    for index, chunk in enumerate(chunks):
        ends = {"is_first": index == 0, "is_last": index == len(chunks) - 1}
        yield {**head, **ends, "items": [_line(item, language) for item in chunk]}


def _place(shelf: str) -> list[tuple[str, int]]:
    """Sorts shelves as they stand: A-2 before A-10."""
    return [(letters, int(digits or 0)) for letters, digits in _SHELF_PART.findall(shelf.casefold())]


def address_lines(invoice: SalesInvoice) -> list[str]:
    """The address of the customer, without blank lines."""
    customer = invoice.customer
    place = " ".join(filter(None, (customer.area, customer.pincode)))
    return [line for line in (customer.address1, customer.address2, customer.address3, place) if line.strip()]


def _facts(invoice: SalesInvoice, label: dict[str, str], language: str) -> list[tuple[str, str | None]]:
    return [
        ("invoice_date", _day(invoice.invoice_date, language)),
        ("priority", label[invoice.priority]),
        ("salesman", invoice.salesman_name),
        ("remarks", " · ".join(filter(None, (invoice.temp_name, invoice.remarks)))),
    ]


def _line(item: SalesItem, language: str) -> dict[str, str]:
    return {
        "shelf": item.shelf_location,
        "name": item.name,
        "more": " · ".join(filter(None, (item.packing, item.company_name, item.remarks))),
        "code": item.item_code,
        "barcode": item.barcode,
        "batch": item.batch_no,
        "expiry": _day(item.expiry_date, language),
        "quantity": format_number(Decimal(item.quantity), language=language),
    }


def _day(day: date | None, language: str) -> str:
    return "" if day is None else day.strftime("%d.%m.%Y") if language == "tr" else day.isoformat()
