"""Labels of chosen rolls: a print for each choice, which is rendered at once and kept for a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, or_, select

from app.extensions import db
from app.grn.errors import BadFields, PaperNotMade, UnknownLabelPrint
from app.grn.models.papers import LabelPrint, Paper
from app.grn.models.receipts import SupplierRoll
from app.grn.papers.service import FRONT_OF_QUEUE, trigger_printer
from app.grn.receipts.packing_list import find_item
from app.kernel import clock
from app.kernel.messages import N_, Message
from app.kernel.unit_of_work import after_commit
from app.kernel.worker import work_queue
from app.kernel.worker.work_queue import WorkState
from app.pdf import files
from app.pdf.files import StoredPdf
from app.pdf.labels.sheets import LABELS_PER_SHEET, LabelPaper

#: After that a print and its file are deleted by the next one; the labels can be printed again at any time.
LIFETIME = timedelta(days=1)


def create(receipt_id: int, item_id: int, roll_ids: Sequence[int], paper: LabelPaper, start: int = 1) -> LabelPrint:
    """Print the labels of rolls of a fabric item, in the order of its packing list.

    Raises:
        UnknownItem: there is no such fabric item.
        BadFields: no roll is chosen, a roll is not of this item, or the sheet has no such place.
    """
    find_item(receipt_id, item_id)
    query = select(SupplierRoll.id).where(SupplierRoll.fabric_item_id == item_id, SupplierRoll.id.in_(roll_ids))
    known = list(db.session.scalars(query.order_by(SupplierRoll.position)))
    if not known or len(known) != len(set(roll_ids)):
        raise BadFields([(("rolls",), None, N_("Choose at least one roll of this fabric item."))])
    if not 1 <= start <= LABELS_PER_SHEET:
        raise BadFields([(("start",), start, Message(N_("Use 1 to %(n)s."), n=LABELS_PER_SHEET))])
    _delete_old()
    values = {**work_queue.reset_values(FRONT_OF_QUEUE), "receipt_id": receipt_id, "roll_ids": known}
    row = LabelPrint(**values, paper=paper.value, start=start)
    db.session.add(row)
    db.session.flush()
    after_commit(trigger_printer)
    return row


def roll_ids_of(item_id: int, numbers: Sequence[str] | None = None) -> list[int]:
    """Ids of the rolls of a fabric item: all, or those with the given numbers in any case.

    Raises:
        BadFields: a number is that of no roll.
    """
    query = select(SupplierRoll).where(SupplierRoll.fabric_item_id == item_id).order_by(SupplierRoll.position)
    if numbers is None:
        return [roll.id for roll in db.session.scalars(query)]
    lowered = [func.lower(number) for number in numbers]
    columns = (SupplierRoll.supplier_roll_no, SupplierRoll.factory_roll_no)
    rolls = list(db.session.scalars(query.where(or_(*(func.lower(column).in_(lowered) for column in columns)))))
    known = {str(number).casefold() for roll in rolls for number in (roll.supplier_roll_no, roll.factory_roll_no)}
    if unknown := [number for number in numbers if number.casefold() not in known]:
        text = Message(N_("No roll of this fabric item has the number %(numbers)s."), numbers=", ".join(unknown[:10]))
        raise BadFields([(("numbers",), ", ".join(unknown), text)])
    return [roll.id for roll in rolls]


def find(receipt_id: int, print_id: int) -> LabelPrint:
    """Find a print of a receipt.

    Raises:
        UnknownLabelPrint: there is none, or it was deleted after its lifetime.
    """
    query = select(LabelPrint).where(LabelPrint.id == print_id, LabelPrint.receipt_id == receipt_id)
    row: LabelPrint | None = db.session.scalar(query)
    if row is None:
        raise UnknownLabelPrint
    return row


def stored_print(receipt_id: int, print_id: int) -> StoredPdf:
    """The PDF of a print.

    Raises:
        UnknownLabelPrint: there is no such print.
        PaperNotMade: it is not rendered yet, or its rendering failed.
    """
    row = find(receipt_id, print_id)
    found = files.stored_file(row, f"labels-{receipt_id}-{print_id}.pdf") if row.state == WorkState.DONE else None
    if found is None:
        raise PaperNotMade(Paper.LABELS, row.state, row.error)
    return found


def _delete_old() -> None:
    old = delete(LabelPrint).where(LabelPrint.created_at < clock.now() - LIFETIME).returning(LabelPrint.path)
    for path in db.session.scalars(old):
        if path:
            files.remove_after_commit(path)
