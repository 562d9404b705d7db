"""Print queue of the PDFs of goods receipts."""

from __future__ import annotations

from app.extensions import db
from app.grn.models.papers import LabelPrint, Paper, ReceiptPdf
from app.grn.papers import note, roll_labels
from app.grn.papers.receipt_view import load_receipt_view
from app.pdf import print_queue
from app.pdf.labels.sheets import LabelPaper


def print_due() -> bool:
    """Render the PDFs that are due; true if the time limit ended the run and more are due.

    Labels of chosen rolls come first: somebody waits for them.
    """
    has_more = print_queue.print_due(LABEL_QUEUE)
    return print_queue.print_due(PRINT_QUEUE) or has_more


def _compose(receipt_id: int, kind: str) -> print_queue.Document:
    receipt = load_receipt_view(receipt_id)
    return note.build_document(receipt) if kind == Paper.NOTE else roll_labels.build_document(receipt)


def _compose_labels(print_id: int) -> print_queue.Document:
    row = db.session.get_one(LabelPrint, print_id)
    receipt = load_receipt_view(row.receipt_id, row.roll_ids)
    return roll_labels.build_document(receipt, LabelPaper(row.paper), row.start)


def _label_stem(print_id: int) -> str:
    return f"labels/{print_id // 1000}/{print_id}"


def _file_stem(receipt_id: int, kind: str) -> str:
    return f"receipts/{receipt_id // 1000}/{receipt_id}-{kind}"


PRINT_QUEUE = print_queue.register_queue(print_queue.PrintQueue(ReceiptPdf, compose=_compose, stem=_file_stem))
LABEL_QUEUE = print_queue.register_queue(print_queue.PrintQueue(LabelPrint, compose=_compose_labels, stem=_label_stem))
