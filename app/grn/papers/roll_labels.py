"""What stands on the labels of rolls: 14 to an A4 sheet of 99.1 × 38.1 mm (Avery L7163 and its like)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from app.grn.models.columns import LengthUnit
from app.grn.papers.read import ItemLine, ReceiptView, RollLine
from app.grn.papers.translations import UNITS, WORDS
from app.pdf.number_format import format_number
from app.pdf.print_queue import Document
from app.pdf.qr import qr_image

TEMPLATES, TEMPLATE = Path(__file__).parents[1] / "templates", "labels.html"
LABELS_OF_A_SHEET, SHEETS_OF_A_PART = 14, 20
#: The longest number in large letters, and in middling ones.
_LARGE, _MIDDLING = 16, 40


def document_of(receipt: ReceiptView) -> Document:
    """The labels of all rolls of a receipt, in the order of its packing lists; no parts where it has no rolls."""
    return Document(TEMPLATES, TEMPLATE, _parts(receipt))


def _parts(receipt: ReceiptView) -> Iterator[dict[str, Any]]:
    words = WORDS[receipt.language]
    head = {
        "language": receipt.language,
        "label": words,
        "title": f"{words['labels']} {receipt.invoice_no}",
        "made": receipt.updated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "supplier": receipt.supplier,
        "invoice_no": receipt.invoice_no,
    }
    labels = (_label(item, roll, receipt.language) for item in receipt.items for roll in item.rolls)
    sheets = iter(lambda: list(islice(labels, LABELS_OF_A_SHEET)), [])
    while some := list(islice(sheets, SHEETS_OF_A_PART)):
        yield {**head, "sheets": some}


def _label(item: ItemLine, roll: RollLine, language: str) -> dict[str, Any]:
    text = partial(format_number, language=language)
    unit = UNITS[item.uom_length]
    # Nobody says in what unit a weight is of fabric that is bought by length, nor a length of one bought by weight.
    amount = roll.weight if item.uom_length == LengthUnit.KILOGRAM else roll.net_length
    measures = ((amount, unit), (roll.width, UNITS[item.uom_width]))
    size = "large" if len(roll.number) <= _LARGE else "middling" if len(roll.number) <= _MIDDLING else "small"
    return {
        "number": roll.number,
        "size": size,
        "code": qr_image(roll.number),
        "supplier_roll_no": roll.supplier_roll_no if roll.factory_roll_no else None,
        "fabric": item.fabric,
        "color": " · ".join(filter(None, (item.color, item.color_shade))),
        "shade": roll.shade,
        "measures": " × ".join(f"{text(value)} {unit}".strip() for value, unit in measures if value is not None),
        "grn": item.grn,
    }
