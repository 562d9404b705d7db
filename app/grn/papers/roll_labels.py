"""Template values of the roll labels: 14 of 99.1 × 38.1 mm on an A4 sheet (Avery L7163), or one of 100 × 50 mm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from functools import partial
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

from app.grn.models.columns import LengthUnit
from app.grn.models.papers import LabelPaper
from app.grn.papers.receipt_view import ItemLine, ReceiptView, RollLine
from app.grn.papers.translations import LABELS, UNITS
from app.pdf.number_format import format_number
from app.pdf.print_queue import Document
from app.pdf.qr import qr_image

TEMPLATES = Path(__file__).parents[1] / "templates"
_FILES = {LabelPaper.A4: "labels.html", LabelPaper.THERMAL: "labels_thermal.html"}
LABELS_PER_SHEET, SHEETS_PER_PART = 14, 20
#: Longest roll number, in characters, that is printed in large and in medium letters.
_MAX_LARGE, _MAX_MEDIUM = 16, 40


def build_document(receipt: ReceiptView, paper: LabelPaper = LabelPaper.A4, start: int = 1) -> Document:
    """Build the labels of all rolls in the order of the packing lists; a receipt without rolls gives no parts.

    Args:
        start: the first place on the first sheet that is used; those before it were printed already.
    """
    skipped = start - 1 if paper == LabelPaper.A4 else 0
    return Document(TEMPLATES, _FILES[paper], _parts(receipt, skipped))


def _parts(receipt: ReceiptView, skipped: int) -> Iterator[dict[str, Any]]:
    translations = LABELS[receipt.language]
    context = {
        "language": receipt.language,
        "label": translations,
        "title": f"{translations['labels']} {receipt.invoice_no}",
        "timestamp": receipt.updated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "supplier": receipt.supplier,
        "invoice_no": receipt.invoice_no,
    }
    if not any(item.rolls for item in receipt.items):
        return
    made = (_label(item, roll, receipt.language) for item in receipt.items for roll in item.rolls)
    labels = chain(repeat(None, skipped), made)
    sheets = iter(lambda: list(islice(labels, LABELS_PER_SHEET)), [])
    while part := list(islice(sheets, SHEETS_PER_PART)):
        yield {**context, "sheets": part}


def _label(item: ItemLine, roll: RollLine, language: str) -> dict[str, Any]:
    format_value = partial(format_number, language=language)
    unit = UNITS[item.uom_length]
    # The unit of a weight is unknown for fabric that is bought by length, and the other way round.
    amount = roll.weight if item.uom_length == LengthUnit.KILOGRAM else roll.net_length
    measures = ((amount, unit), (roll.width, UNITS[item.uom_width]))
    size = "large" if len(roll.number) <= _MAX_LARGE else "medium" if len(roll.number) <= _MAX_MEDIUM else "small"
    return {
        "number": roll.number,
        "size": size,
        "code": qr_image(roll.number),
        "supplier_roll_no": roll.supplier_roll_no if roll.factory_roll_no else None,
        "fabric": item.fabric,
        "color": " · ".join(filter(None, (item.color, item.color_shade))),
        "shade": roll.shade,
        "measures": " × ".join(
            f"{format_value(value)} {unit}".strip() for value, unit in measures if value is not None
        ),
        "grn": item.grn,
    }
