"""The packing list of a fabric item: replaced as a whole, read in pages, inspected roll by roll."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import contains_eager, joinedload

from app import events
from app.extensions import db
from app.grn.errors import BadFields, UnknownItem, UnknownRoll
from app.grn.events import INSPECTED, UPDATED
from app.grn.models.receipts import FabricItem, GoodsReceipt, SupplierRoll
from app.grn.papers import service as papers
from app.grn.receipts import bulk_upsert
from app.grn.receipts.item_builder import MEASURED, Data, Stored, derive, new_rolls, too_short
from app.grn.receipts.service import find, hold, remove
from app.grn.schemas.pagination import Page, page_of
from app.grn.schemas.receipts import MOST_ROLLS
from app.kernel import clock
from app.kernel.messages import N_, Message
from app.kernel.money import plain_decimal


def find_item(receipt_id: int, item_id: int) -> FabricItem:
    """A fabric item without its rolls.

    Raises:
        UnknownItem: this receipt has no such item.
    """
    query = select(FabricItem).where(FabricItem.id == item_id, FabricItem.receipt_id == receipt_id)
    item: FabricItem | None = db.session.scalar(query)
    if item is None:
        raise UnknownItem
    return item


def replace(receipt_id: int, item_id: int, entries: list[Data]) -> FabricItem:
    """Make the packing list what ``entries`` say; a roll of the same number keeps its id and its inspection.

    Raises:
        UnknownReceipt, UnknownItem: there is no such receipt or item.
        BadFields: an id is none of this item's rolls, or the receipt would hold too many.
    """
    hold(receipt_id)
    before = find(receipt_id)
    item = next((item for item in before.fabric_items if item.id == item_id), None)
    if item is None:
        raise UnknownItem
    _refuse_too_many(before, item, len(entries))
    stored = Stored(item.rolls, "supplier_roll_no")
    rolls = new_rolls(entries, stored)
    remove(SupplierRoll, [roll.id for roll in stored.left])
    bulk_upsert.number(rolls)
    for roll in rolls:
        roll.fabric_item_id = item_id
    bulk_upsert.store(rolls)
    _store_derived(item, rolls)
    receipt = find(receipt_id)
    events.emit(UPDATED, receipt, subject_id=receipt_id)
    papers.order_later(receipt_id)
    return next(item for item in receipt.fabric_items if item.id == item_id)


def _refuse_too_many(receipt: GoodsReceipt, item: FabricItem, coming: int) -> None:
    others = sum(other.roll_count for other in receipt.fabric_items if other is not item)
    if others + coming > MOST_ROLLS:
        sentence = Message(N_("The receipt would hold more than %(max)s rolls."), max=MOST_ROLLS)
        raise BadFields([(("supplierRollList",), coming, sentence)])


def _store_derived(item: FabricItem, rolls: list[SupplierRoll]) -> None:
    after = FabricItem(uom_length=item.uom_length, declared_grn_qty=item.declared_grn_qty, rolls=rolls)
    derive(after)
    changes = {"grn_qty": after.grn_qty, "roll_count": after.roll_count}
    db.session.execute(update(FabricItem).where(FabricItem.id == item.id).values(changes))


def find_rolls(receipt_id: int, item_id: int, asked: Mapping[str, Any]) -> Page:
    """One page of an item's rolls, in the order of the packing list.

    Raises:
        UnknownItem: this receipt has no such item.
    """
    find_item(receipt_id, item_id)
    query = select(SupplierRoll).where(SupplierRoll.fabric_item_id == item_id)
    order = (SupplierRoll.position, SupplierRoll.id)
    return page_of(query, asked, order, options=(joinedload(SupplierRoll.item),))


def inspect(receipt_id: int, item_id: int, roll_id: int, findings: Data) -> SupplierRoll:
    """Write down what inspection found; a finding of None falls back to what the supplier says.

    Raises:
        UnknownReceipt, UnknownRoll: there is no such receipt or roll.
        BadFields: more was cut off than the roll is long.
    """
    hold(receipt_id)
    roll = find_roll(receipt_id, item_id, roll_id)
    for name, value in findings.items():
        setattr(roll, name, 0 if name == "blanket_qty" and value is None else value)
    if too_short(roll):
        sentence = Message(
            N_("More than the roll's length of %(length)s."), length=plain_decimal(roll.length or Decimal(0))
        )
        raise BadFields([(("blanketQty",), roll.blanket_qty, sentence)])
    if any(name in findings for name in MEASURED):
        measured = any(getattr(roll, name) is not None for name in MEASURED)
        roll.inspected_at = clock.now() if measured else None
    db.session.flush()
    events.emit(INSPECTED, roll, subject_id=receipt_id)
    papers.order_later(receipt_id)
    return roll


def find_roll(receipt_id: int, item_id: int, roll_id: int) -> SupplierRoll:
    """A roll with its item.

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
