"""What the press needs to know of the papers of goods receipts."""

from __future__ import annotations

from app.grn.models.papers import Paper, ReceiptPdf
from app.grn.papers import note, roll_labels
from app.grn.papers.read import read
from app.pdf import print_queue


def print_due() -> bool:
    """Make the papers that are due; true when the time was over before the work was."""
    return print_queue.print_due(PRESS)


def _composed(receipt_id: int, kind: str) -> print_queue.Document:
    receipt = read(receipt_id)
    return note.document_of(receipt) if kind == Paper.NOTE else roll_labels.document_of(receipt)


def _stem(receipt_id: int, kind: str) -> str:
    return f"receipts/{receipt_id // 1000}/{receipt_id}-{kind}"


PRESS = print_queue.register_queue(print_queue.PrintQueue(ReceiptPdf, compose=_composed, stem=_stem))
