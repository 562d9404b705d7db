"""Services for the PDFs of a goods receipt: schedule their rendering, find them, discard them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.grn.errors import NoRolls, PaperNotMade, UnknownReceipt
from app.grn.models.papers import LabelPrint, Paper, ReceiptPdf
from app.grn.models.receipts import GoodsReceipt
from app.kernel import clock
from app.kernel.unit_of_work import after_commit
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.work_queue import WorkState
from app.pdf import files
from app.pdf.files import StoredPdf

trigger_printer = DebouncedTask("grn.print_papers")
#: Delay from the first change of a receipt to the rendering, because an inspection changes it roll by roll.
CHANGE_DELAY = timedelta(seconds=30)
#: Due time of a PDF that a client waits for: before all others.
FRONT_OF_QUEUE = datetime(2000, 1, 1, tzinfo=UTC)


def schedule(receipt_id: int, *kinds: Paper, due_at: datetime | None = None) -> None:
    """Schedule the rendering of the current receipt (both PDFs, if no kind is given), in one statement."""
    rows = [
        {"receipt_id": receipt_id, "kind": kind.value, **work_queue.reset_values(due_at)}
        for kind in kinds or tuple(Paper)
    ]
    statement = insert(ReceiptPdf).values(rows)
    excluded = statement.excluded
    updates: dict[str, Any] = {name: excluded[name] for name in work_queue.reset_values() if name != "due_at"}
    # A PDF that is waiting keeps its due time, so that each inspected roll does not delay it again.
    is_waiting = (ReceiptPdf.state == WorkState.PENDING) & ReceiptPdf.claim_id.is_(None)
    earlier = func.least(ReceiptPdf.due_at, excluded.due_at)
    updates["due_at"] = case((is_waiting, earlier), else_=excluded.due_at)
    db.session.execute(statement.on_conflict_do_update(index_elements=["receipt_id", "kind"], set_=updates))
    after_commit(trigger_printer)


def schedule_later(receipt_id: int) -> None:
    """Schedule both PDFs after ``CHANGE_DELAY``."""
    schedule(receipt_id, due_at=clock.now() + CHANGE_DELAY)


def delete_files(receipt_id: int) -> None:
    """Delete the PDF files of a receipt after the commit; the rows are deleted with the receipt."""
    for model in (ReceiptPdf, LabelPrint):
        paths = select(model.path).where(model.receipt_id == receipt_id, model.path.is_not(None))
        for path in db.session.scalars(paths):
            files.remove_after_commit(path)


def discard(condition: ColumnElement[bool]) -> None:
    """Delete the PDFs of all receipts that match ``condition``, or have a fabric item that does.

    There may be many, so each is rendered again only when a client requests it.
    """
    receipts = select(GoodsReceipt.id).join(GoodsReceipt.fabric_items).where(condition)
    # ``schedule`` locks the rows in the same order, so there is no deadlock.
    query = select(ReceiptPdf).where(ReceiptPdf.receipt_id.in_(receipts))
    papers = db.session.scalars(query.order_by(ReceiptPdf.receipt_id, ReceiptPdf.kind.desc()).with_for_update()).all()
    for path in filter(None, (paper.path for paper in papers)):
        files.remove_after_commit(path)
    db.session.execute(delete(ReceiptPdf).where(ReceiptPdf.receipt_id.in_({paper.receipt_id for paper in papers})))


def stored_paper(receipt_id: int, kind: Paper) -> StoredPdf:
    """Return the up-to-date PDF; if there is none, move it to the front of the queue.

    Raises:
        UnknownReceipt: there is no such receipt.
        NoRolls: the receipt has no roll to label.
        PaperNotMade: the PDF is not rendered yet, or its rendering failed.
    """
    invoice_no = _invoice_no(receipt_id)
    row = _row(receipt_id, kind)
    if row is not None and row.state == WorkState.FAILED:
        raise PaperNotMade(kind, WorkState.FAILED, row.error)
    if row is not None and row.state == WorkState.DONE:
        if row.path is None:
            raise NoRolls
        if found := files.stored_file(row, f"{kind}-{receipt_id}-{invoice_no}.pdf"):
            return found
    if row is None or row.state == WorkState.DONE:
        schedule(receipt_id, kind, due_at=FRONT_OF_QUEUE)
    elif row.claim_id is None and row.due_at > clock.now():
        row.due_at = FRONT_OF_QUEUE
        after_commit(trigger_printer)
    raise PaperNotMade(kind, WorkState.PENDING, row and row.error)


def reprint(receipt_id: int, kind: Paper) -> ReceiptPdf:
    """Schedule a new rendering of a PDF, also after a failure.

    Raises:
        UnknownReceipt: there is no such receipt.
    """
    _invoice_no(receipt_id)
    schedule(receipt_id, kind, due_at=FRONT_OF_QUEUE)
    return find(receipt_id)[list(Paper).index(kind)]


def find(receipt_id: int) -> Sequence[ReceiptPdf]:
    """Return the PDFs of a receipt with their states.

    Raises:
        UnknownReceipt: there is no such receipt.
    """
    _invoice_no(receipt_id)
    query = select(ReceiptPdf).where(ReceiptPdf.receipt_id == receipt_id).execution_options(populate_existing=True)
    rows = {row.kind: row for row in db.session.scalars(query)}
    missing = [kind for kind in Paper if kind not in rows]
    if missing:  # discarded, or the receipt was created by a release without PDFs
        schedule(receipt_id, *missing)
        rows = {row.kind: row for row in db.session.scalars(query)}
    return [rows[kind] for kind in Paper]


def _row(receipt_id: int, kind: Paper) -> ReceiptPdf | None:
    query = select(ReceiptPdf).where(ReceiptPdf.receipt_id == receipt_id, ReceiptPdf.kind == kind)
    row: ReceiptPdf | None = db.session.scalar(query.execution_options(populate_existing=True))
    return row


def _invoice_no(receipt_id: int) -> str:
    found: str | None = db.session.scalar(select(GoodsReceipt.invoice_no).where(GoodsReceipt.id == receipt_id))
    if found is None:
        raise UnknownReceipt
    return found
