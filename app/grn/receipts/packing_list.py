"""Services for packing lists: replace the rolls of a fabric item, list them, and record inspections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import contains_eager, joinedload

from app import events
from app.accounts import audit
from app.extensions import db
from app.grn.errors import BadFields, UnknownItem, UnknownRoll
from app.grn.events import INSPECTED, UPDATED
from app.grn.models.receipts import FabricItem, GoodsReceipt, SupplierRoll
from app.grn.papers import service as papers
from app.grn.receipts import bulk_upsert
from app.grn.receipts.item_builder import (
    INSPECTED_TO_SUPPLIER,
    Data,
    StoredRows,
    blanket_exceeds_length,
    build_rolls,
    set_derived_quantities,
)
from app.grn.receipts.service import delete_rows, find, lock
from app.grn.schemas.pagination import Page, paginate
from app.grn.schemas.receipts import MAX_ROLLS
from app.kernel import clock
from app.kernel.messages import N_, Message
from app.kernel.pagination.keyset import Order
from app.kernel.pagination.walk import QuerySource

#: Percent by which an inspected measure may differ from the supplier's before a person is asked again.
FAR_OFF_PERCENT = 10


def find_item(receipt_id: int, item_id: int) -> FabricItem:
    """Find a fabric item, without its rolls.

    Raises:
        UnknownItem: this receipt has no such item.
    """
    query = select(FabricItem).where(FabricItem.id == item_id, FabricItem.receipt_id == receipt_id)
    item: FabricItem | None = db.session.scalar(query)
    if item is None:
        raise UnknownItem
    return item


def replace(receipt_id: int, item_id: int, entries: list[Data], *, actor: str) -> FabricItem:
    """Replace the packing list by ``entries``; a roll with the same number keeps its id and its inspection.

    Raises:
        UnknownReceipt, UnknownItem: there is no such receipt or item.
        BadFields: an id is none of this item's rolls, or the receipt would have too many rolls.
    """
    lock(receipt_id)
    before = find(receipt_id)
    item = next((item for item in before.fabric_items if item.id == item_id), None)
    if item is None:
        raise UnknownItem
    _check_roll_count(before, item, len(entries))
    stored = StoredRows(item.rolls, "supplier_roll_no")
    rolls = build_rolls(entries, stored)
    delete_rows(SupplierRoll, [roll.id for roll in stored.unmatched])
    bulk_upsert.assign_ids(rolls)
    for roll in rolls:
        roll.fabric_item_id = item_id
    bulk_upsert.upsert(rolls)
    _store_derived_quantities(item, rolls)
    receipt = find(receipt_id)
    facts = {"fabric_item_id": item_id, "rolls": len(rolls), "removed": len(stored.unmatched)}
    audit.record("receipt.packing_list_replaced", actor=actor, subject=f"receipt:{receipt_id}", **facts)
    events.emit(UPDATED, receipt, subject_id=receipt_id)
    papers.schedule_later(receipt_id)
    return next(item for item in receipt.fabric_items if item.id == item_id)


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a new packing list would do to the stored one: numbers of rolls."""

    new: int
    kept: int
    removed: int
    #: Removed rolls whose inspection would be lost.
    removed_inspected: int


def preview_replacement(receipt_id: int, item_id: int, entries: list[Data]) -> Replacement:
    """What ``replace`` would do with ``entries``, which match the stored rolls by their numbers.

    Raises:
        UnknownItem: this receipt has no such item.
    """
    find_item(receipt_id, item_id)
    columns = (SupplierRoll.supplier_roll_no, SupplierRoll.inspected_at)
    stored = db.session.execute(select(*columns).where(SupplierRoll.fabric_item_id == item_id)).all()
    numbers = {entry["supplier_roll_no"] for entry in entries}
    removed = [row for row in stored if row.supplier_roll_no not in numbers]
    kept = len(stored) - len(removed)
    inspected = sum(row.inspected_at is not None for row in removed)
    return Replacement(len(entries) - kept, kept, len(removed), inspected)


def _check_roll_count(receipt: GoodsReceipt, item: FabricItem, coming: int) -> None:
    others = sum(other.roll_count for other in receipt.fabric_items if other is not item)
    if others + coming > MAX_ROLLS:
        sentence = Message(N_("The receipt would hold more than %(max)s rolls."), max=MAX_ROLLS)
        raise BadFields([(("supplierRollList",), coming, sentence)])


def _store_derived_quantities(item: FabricItem, rolls: list[SupplierRoll]) -> None:
    updated = FabricItem(uom_length=item.uom_length, declared_grn_qty=item.declared_grn_qty, rolls=rolls)
    set_derived_quantities(updated)
    changes = {"grn_qty": updated.grn_qty, "roll_count": updated.roll_count}
    db.session.execute(update(FabricItem).where(FabricItem.id == item.id).values(changes))


def find_rolls(receipt_id: int, item_id: int, paging: Mapping[str, Any]) -> Page:
    """Return one page of an item's rolls, in the order of the packing list.

    Raises:
        UnknownItem: this receipt has no such item.
    """
    find_item(receipt_id, item_id)
    query = select(SupplierRoll).where(SupplierRoll.fabric_item_id == item_id)
    order = (SupplierRoll.position, SupplierRoll.id)
    return paginate(query, paging, order, options=(joinedload(SupplierRoll.item),))


def roll_source(receipt_id: int, item_id: int) -> QuerySource:
    """The rolls of an item for a page, in the order of the packing list.

    Raises:
        UnknownItem: this receipt has no such item.
    """
    find_item(receipt_id, item_id)
    query = select(SupplierRoll).where(SupplierRoll.fabric_item_id == item_id)
    orders = {
        "position": Order((SupplierRoll.position, SupplierRoll.id)),
        "number": Order((SupplierRoll.supplier_roll_no, SupplierRoll.id)),
    }
    return QuerySource(query, orders, "position", options=(joinedload(SupplierRoll.item),))


def inspect(receipt_id: int, item_id: int, roll_id: int, findings: Data, *, actor: str) -> SupplierRoll:
    """Store the findings of an inspection; None removes a finding, and the supplier's value is valid again.

    Raises:
        UnknownReceipt, UnknownRoll: there is no such receipt or roll.
        BadFields: the blanket is longer than the roll.
    """
    lock(receipt_id)
    roll = find_roll(receipt_id, item_id, roll_id)
    before = audit.state_of(roll, findings)
    for name, value in findings.items():
        setattr(roll, name, 0 if name == "blanket_qty" and value is None else value)
    if blanket_exceeds_length(roll):
        sentence = Message(N_("More than the roll's length of %(length)s."), length=roll.length or Decimal(0))
        raise BadFields([(("blanketQty",), roll.blanket_qty, sentence)])
    if any(name in findings for name in INSPECTED_TO_SUPPLIER):
        measured = any(getattr(roll, name) is not None for name in INSPECTED_TO_SUPPLIER)
        roll.inspected_at = clock.now() if measured else None
    db.session.flush()
    facts: dict[str, Any] = {"receipt_id": receipt_id, "fabric_item_id": item_id}
    facts["changed"] = audit.changes(before, audit.state_of(roll, findings))
    audit.record("roll.inspected", actor=actor, subject=f"roll:{roll_id}", **facts)
    events.emit(INSPECTED, roll, subject_id=receipt_id)
    papers.schedule_later(receipt_id)
    return roll


def measures_far_off(roll: SupplierRoll, findings: Data) -> list[str]:
    """Columns of the new measures in ``findings`` that are more than ``FAR_OFF_PERCENT`` off the supplier's."""
    return [
        name
        for name, supplier_name in INSPECTED_TO_SUPPLIER.items()
        if findings.get(name) not in {None, getattr(roll, name)}
        and _is_far_off(findings[name], getattr(roll, supplier_name))
    ]


def _is_far_off(value: Decimal, supplier_value: Decimal | None) -> bool:
    return supplier_value is not None and abs(value - supplier_value) * 100 > supplier_value * FAR_OFF_PERCENT


def count_inspected(item_id: int) -> int:
    """Number of an item's rolls that are inspected."""
    query = select(func.count()).where(SupplierRoll.fabric_item_id == item_id, SupplierRoll.inspected_at.is_not(None))
    return db.session.scalar(query) or 0


def find_roll(receipt_id: int, item_id: int, roll_id: int) -> SupplierRoll:
    """Find a roll with its item.

    Raises:
        UnknownRoll: this item has no such roll.
    """
    query = (
        select(SupplierRoll)
        .join(SupplierRoll.item)
        .where(SupplierRoll.id == roll_id, FabricItem.id == item_id, FabricItem.receipt_id == receipt_id)
        .options(contains_eager(SupplierRoll.item))
    )
    roll: SupplierRoll | None = db.session.scalar(query)
    if roll is None:
        raise UnknownRoll
    return roll
