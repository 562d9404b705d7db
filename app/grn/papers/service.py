"""The papers of a goods receipt: ordered when it comes or changes, found, and gone with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.grn.errors import NoRolls, PaperNotMade, UnknownReceipt
from app.grn.models.papers import Paper, ReceiptPdf
from app.grn.models.receipts import GoodsReceipt
from app.kernel import clock
from app.kernel.unit_of_work import after_commit
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.work_queue import WorkState
from app.pdf import files
from app.pdf.files import StoredPdf

trigger_printer = DebouncedTask("grn.print_papers")
#: Inspection changes a receipt roll by roll: its papers are made again this long after the first change.
SETTLE = timedelta(seconds=30)
#: Due before everything that nobody waits for.
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)


def order(receipt_id: int, *kinds: Paper, due_at: datetime | None = None) -> None:
    """Have papers (both, unless some are named) made of what the receipt says now, in one statement."""
    rows = [
        {"receipt_id": receipt_id, "kind": kind.value, **work_queue.reset_values(due_at)}
        for kind in kinds or tuple(Paper)
    ]
    query = insert(ReceiptPdf).values(rows)
    afresh: dict[str, Any] = {name: query.excluded[name] for name in work_queue.reset_values() if name != "due_at"}
    # A paper that waits already does not wait longer because one more roll was inspected.
    waits = (ReceiptPdf.state == WorkState.PENDING) & ReceiptPdf.claim_id.is_(None)
    sooner = func.least(ReceiptPdf.due_at, query.excluded.due_at)
    afresh["due_at"] = case((waits, sooner), else_=query.excluded.due_at)
    db.session.execute(query.on_conflict_do_update(index_elements=["receipt_id", "kind"], set_=afresh))
    after_commit(trigger_printer)


def order_later(receipt_id: int) -> None:
    """The same once the changes have settled."""
    order(receipt_id, due_at=clock.now() + SETTLE)


def forget(receipt_id: int) -> None:
    """The receipt is being deleted: its files go once that is stored, its rows go with it."""
    paths = select(ReceiptPdf.path).where(ReceiptPdf.receipt_id == receipt_id, ReceiptPdf.path.is_not(None))
    for path in db.session.scalars(paths):
        after_commit(files.file_remover(path))


def outdate(condition: ColumnElement[bool]) -> None:
    """Throw away the papers of all receipts and fabric items that ``condition`` holds for.

    There may be many: each is made again when somebody asks for it.
    """
    receipts = select(GoodsReceipt.id).join(GoodsReceipt.fabric_items).where(condition)
    # In the order in which ``order`` writes them, so that the two never wait in a circle.
    query = select(ReceiptPdf).where(ReceiptPdf.receipt_id.in_(receipts))
    papers = db.session.scalars(query.order_by(ReceiptPdf.receipt_id, ReceiptPdf.kind.desc()).with_for_update()).all()
    for path in filter(None, (paper.path for paper in papers)):
        after_commit(files.file_remover(path))
    db.session.execute(delete(ReceiptPdf).where(ReceiptPdf.receipt_id.in_({paper.receipt_id for paper in papers})))


def stored_paper(receipt_id: int, kind: Paper) -> StoredPdf:
    """A paper that says what the receipt says now.

    Raises:
        UnknownReceipt: there is none.
        NoRolls: the receipt has no roll to label.
        PaperNotMade: it is being made, before others now that somebody waits; or its making failed.
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
        order(receipt_id, kind, due_at=AT_ONCE)
    elif row.claim_id is None and row.due_at > clock.now():
        row.due_at = AT_ONCE
        after_commit(trigger_printer)
    raise PaperNotMade(kind, WorkState.PENDING, row and row.error)


def reprint(receipt_id: int, kind: Paper) -> ReceiptPdf:
    """Have a paper made again, also when its making failed.

    Raises:
        UnknownReceipt: there is none.
    """
    _invoice_no(receipt_id)
    order(receipt_id, kind, due_at=AT_ONCE)
    return find(receipt_id)[list(Paper).index(kind)]


def find(receipt_id: int) -> Sequence[ReceiptPdf]:
    """The papers of a receipt, and how far the making of each is.

    Raises:
        UnknownReceipt: there is none.
    """
    _invoice_no(receipt_id)
    query = select(ReceiptPdf).where(ReceiptPdf.receipt_id == receipt_id).execution_options(populate_existing=True)
    rows = {row.kind: row for row in db.session.scalars(query)}
    missing = [kind for kind in Paper if kind not in rows]
    if missing:  # of a receipt that is older than papers are
        order(receipt_id, *missing)
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
