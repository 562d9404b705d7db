"""What the press needs to know of the papers of goods receipts."""

from __future__ import annotations

from app.grn import labels, note
from app.grn.paper_models import Paper, ReceiptPdf
from app.grn.paper_reading import read
from app.pdf import printing


def print_due() -> bool:
    """Make the papers that are due; true when the time was over before the work was."""
    return printing.print_due(PRESS)


def _composed(receipt_id: int, kind: str) -> printing.Document:
    receipt = read(receipt_id)
    return note.document_of(receipt) if kind == Paper.NOTE else labels.document_of(receipt)


def _stem(receipt_id: int, kind: str) -> str:
    return f"receipts/{receipt_id // 1000}/{receipt_id}-{kind}"


PRESS = printing.add(printing.Press(ReceiptPdf, compose=_composed, stem=_stem))
