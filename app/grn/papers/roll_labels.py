"""Labels of the rolls of a goods receipt."""

from __future__ import annotations

from datetime import UTC
from functools import partial

from app.grn.models.columns import LengthUnit
from app.grn.papers.receipt_view import ItemLine, ReceiptView, RollLine
from app.grn.papers.translations import LABELS, UNITS
from app.pdf.labels.sheets import Label, LabelPaper, build_labels
from app.pdf.number_format import format_number
from app.pdf.print_queue import Document


def build_document(receipt: ReceiptView, paper: LabelPaper = LabelPaper.A4, start: int = 1) -> Document:
    """Build the labels of all rolls in the order of the packing lists; a receipt without rolls gives no parts.

    Args:
        start: the first place on the first sheet that is used.
    """
    head = {
        "language": receipt.language,
        "title": f"{LABELS[receipt.language]['labels']} {receipt.invoice_no}",
        "author": receipt.supplier.name,
        "timestamp": receipt.updated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    labels = (_label(receipt, item, roll) for item in receipt.items for roll in item.rolls)
    return build_labels(labels, head, paper, start)


def _label(receipt: ReceiptView, item: ItemLine, roll: RollLine) -> Label:
    format_value = partial(format_number, language=receipt.language)
    unit = UNITS[item.uom_length]
    # The unit of a weight is unknown for fabric that is bought by length, and the other way round.
    amount = roll.weight if item.uom_length == LengthUnit.KILOGRAM else roll.net_length
    measures = ((amount, unit), (roll.width, UNITS[item.uom_width]))
    shade = f"{LABELS[receipt.language]['shade']} {roll.shade}" if roll.shade else ""
    color = " · ".join(filter(None, (item.color, item.color_shade)))
    supplier_no = roll.supplier_roll_no if roll.factory_roll_no else None
    return Label(
        number=roll.number,
        headline=" × ".join(f"{format_value(value)} {unit}".strip() for value, unit in measures if value is not None),
        main=(("", item.fabric), (color, f" · {shade}" if shade else "")),
        details=(
            f"{item.grn} · {receipt.invoice_no}",
            " · ".join(filter(None, (receipt.supplier.name, supplier_no))),
        ),
    )
