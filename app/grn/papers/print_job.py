"""Print queue of the PDFs of goods receipts."""

from __future__ import annotations

from app.grn.models.papers import Paper, ReceiptPdf
from app.grn.papers import note, roll_labels
from app.grn.papers.receipt_view import load_receipt_view
from app.pdf import print_queue


def print_due() -> bool:
    """Render the PDFs that are due; true if the time limit ended the run and more are due."""
    return print_queue.print_due(PRINT_QUEUE)


def _compose(receipt_id: int, kind: str) -> print_queue.Document:
    receipt = load_receipt_view(receipt_id)
    return note.build_document(receipt) if kind == Paper.NOTE else roll_labels.build_document(receipt)


def _file_stem(receipt_id: int, kind: str) -> str:
    return f"receipts/{receipt_id // 1000}/{receipt_id}-{kind}"


PRINT_QUEUE = print_queue.register_queue(print_queue.PrintQueue(ReceiptPdf, compose=_compose, stem=_file_stem))
