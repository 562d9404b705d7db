"""Goods receipts: booked in, changed, deleted, found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, any_, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import selectinload

from app import events
from app.accounts import audit
from app.extensions import db
from app.grn.errors import BadFields, DuplicateReceipt, Fault, ItemsInUse, UnknownReceipt
from app.grn.events import CREATED, DELETED, UPDATED
from app.grn.models.masters import Fabric, ProductionOrder, Supplier
from app.grn.models.receipts import FabricItem, GoodsReceipt, LedgerRow, SupplierRoll
from app.grn.papers import service as papers
from app.grn.receipts import bulk_upsert, search
from app.grn.receipts.item_builder import Data, Stored, new_item, new_rolls, references
from app.grn.schemas.pagination import Page, ordered, page_of, page_uncounted
from app.kernel import clock
from app.kernel.daily_counts import DailyCount, count_per_day
from app.kernel.messages import N_

#: Everything that ``ReceiptSchema`` shows, in three statements however many rolls.
FULL = selectinload(GoodsReceipt.fabric_items).selectinload(FabricItem.rolls)
_UNKNOWN = {
    "supplier_id": N_("Unknown supplier."),
    "fabric_id": N_("Unknown fabric."),
    "order_id": N_("Unknown order."),
}
_KINDS = {"supplier_id": Supplier, "fabric_id": Fabric, "order_id": ProductionOrder}
_HEADER = ("external_id", "supplier_id", "invoice_no", "invoice_date", "erp_invoice_no", "extra")


def receive(data: Data) -> GoodsReceipt:
    """Book in a goods receipt.

    Raises:
        DuplicateReceipt: another receipt already carries this ``external_id``.
        BadFields: a supplier, fabric or order does not exist.
    """
    _require_references(data)
    receipt = _header(data)
    values = {**_values(receipt), GoodsReceipt.created_at: receipt.created_at}
    query = insert(GoodsReceipt).values(values).on_conflict_do_nothing(index_elements=["external_id"])
    receipt.id = db.session.scalar(query.returning(GoodsReceipt.id))
    if receipt.id is None:
        raise DuplicateReceipt(_carrier_of(data["external_id"]))
    _store_items(receipt, data["fabric_items"], Stored((), "external_id"), {})
    events.emit(CREATED, receipt, subject_id=receipt.id)
    papers.order(receipt.id)
    return receipt


def change(receipt_id: int, data: Data) -> GoodsReceipt:
    """Make a receipt what ``data`` says: items and rolls that are carried on keep their ids, others come and go.

    Raises:
        UnknownReceipt: there is none.
        DuplicateReceipt: another one carries this ``external_id``.
        ItemsInUse: an item that was left out has ledger rows.
        BadFields: a reference or an id of an item or a roll is unknown.
    """
    created_at = hold(receipt_id).created_at
    _require_references(data)
    carrier = _carrier_of(data.get("external_id"))
    if carrier not in {None, receipt_id}:
        raise DuplicateReceipt(carrier)
    receipt = _header(data)
    db.session.execute(update(GoodsReceipt).where(GoodsReceipt.id == receipt_id).values(_values(receipt)))
    receipt.id, receipt.created_at = receipt_id, created_at
    items = db.session.execute(
        select(FabricItem.id, FabricItem.external_id)
        .where(FabricItem.receipt_id == receipt_id)
        .order_by(FabricItem.position)
    )
    _store_items(receipt, data["fabric_items"], Stored(items.all(), "external_id"), _stored_rolls(receipt_id))
    events.emit(UPDATED, receipt, subject_id=receipt_id)
    papers.order_later(receipt_id)
    return receipt


def cancel(receipt_id: int, *, actor: str) -> None:
    """Delete a receipt with its items, rolls and ledger rows; an audit row and an event stay.

    Raises:
        UnknownReceipt: there is none.
    """
    hold(receipt_id)
    receipt = find(receipt_id)
    rows = db.session.scalar(
        select(func.count()).select_from(LedgerRow).where(LedgerRow.fabric_item_id.in_(_item_ids(receipt)))
    )
    audit.record(
        "receipt.deleted",
        actor=actor,
        subject=f"receipt:{receipt_id}",
        external_id=receipt.external_id,
        supplier_id=receipt.supplier_id,
        invoice_no=receipt.invoice_no,
        fabric_items=len(receipt.fabric_items),
        rolls=sum(item.roll_count for item in receipt.fabric_items),
        ledger_rows=rows,
    )
    events.emit(DELETED, receipt, subject_id=receipt_id)
    papers.forget(receipt_id)
    # The foreign keys cascade; rows need not be brought here to be thrown away.
    db.session.execute(delete(GoodsReceipt).where(GoodsReceipt.id == receipt_id))


def cancel_by_external_id(external_id: str, *, actor: str) -> None:
    """The same, by the client's own id.

    Raises:
        UnknownReceipt: no receipt carries it.
    """
    receipt_id = _carrier_of(external_id)
    if receipt_id is None:
        raise UnknownReceipt
    cancel(receipt_id, actor=actor)


def find(receipt_id: int) -> GoodsReceipt:
    """A receipt in full.

    Raises:
        UnknownReceipt: there is none.
    """
    query = select(GoodsReceipt).where(GoodsReceipt.id == receipt_id).options(FULL)
    receipt: GoodsReceipt | None = db.session.scalar(query.execution_options(populate_existing=True))
    if receipt is None:
        raise UnknownReceipt
    return receipt


def find_header(receipt_id: int) -> GoodsReceipt:
    """A receipt with its fabric items, without their rolls.

    Raises:
        UnknownReceipt: there is none.
    """
    query = select(GoodsReceipt).where(GoodsReceipt.id == receipt_id).options(selectinload(GoodsReceipt.fabric_items))
    receipt: GoodsReceipt | None = db.session.scalar(query)
    if receipt is None:
        raise UnknownReceipt
    return receipt


def find_page(asked: Mapping[str, Any]) -> Page:
    """One page of the receipts that all filters hold for, without their rolls; what nearly all match is not counted."""
    order, items = ordered(asked["sort"], search.SORTABLE), (selectinload(GoodsReceipt.fabric_items),)
    page = None
    if asked.get("search") and search.finds_many(asked["search"]):
        until = (asked["page"] + 1) * asked["page_size"]
        page = page_uncounted(search.first_hits(asked, order, until), asked, order, options=items)
    return page or page_of(search.filtered(asked), asked, order, options=items)


def received_per_day(days: int) -> Sequence[DailyCount]:
    """How many receipts were booked in on each of the last days."""
    return count_per_day(GoodsReceipt.created_at, days)


def hold(receipt_id: int) -> Any:
    """Lock a receipt until the transaction ends: all that changes anything of it waits here, so nothing mixes.

    Raises:
        UnknownReceipt: there is none.
    """
    query = select(GoodsReceipt.id, GoodsReceipt.created_at).where(GoodsReceipt.id == receipt_id)
    row = db.session.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise UnknownReceipt
    return row


def _header(data: Data) -> GoodsReceipt:
    moment = clock.now()
    return GoodsReceipt(created_at=moment, updated_at=moment, **{name: data.get(name) for name in _HEADER})


def _values(receipt: GoodsReceipt) -> dict[Any, Any]:
    return {getattr(GoodsReceipt, name): getattr(receipt, name) for name in (*_HEADER, "updated_at")}


def _carrier_of(external_id: str | None) -> Any:
    return external_id and db.session.scalar(select(GoodsReceipt.id).where(GoodsReceipt.external_id == external_id))


def _item_ids(receipt: GoodsReceipt) -> list[int]:
    return [item.id for item in receipt.fabric_items]


def _require_references(data: Data) -> None:
    wanted = [(("supplierId",), "supplier_id", data["supplier_id"]), *references(data["fabric_items"])]
    faults: list[Fault] = []
    for kind, model in _KINDS.items():
        ids = {row_id for _, name, row_id in wanted if name == kind}
        # Held, as the foreign keys would hold them: none is deleted between this look and the end.
        there = select(model.id).where(model.id.in_(ids)).order_by(model.id).with_for_update(read=True, key_share=True)
        known = set(db.session.scalars(there)) if ids else set()
        faults += [
            (path, row_id, _UNKNOWN[kind]) for path, name, row_id in wanted if name == kind and row_id not in known
        ]
    if faults:
        raise BadFields(faults)


def _stored_rolls(receipt_id: int) -> dict[int, list[Any]]:
    rolls: dict[int, list[Any]] = defaultdict(list)
    query = select(SupplierRoll).join(SupplierRoll.item).where(FabricItem.receipt_id == receipt_id)
    for roll in db.session.scalars(query.order_by(SupplierRoll.position)):
        rolls[roll.fabric_item_id].append(roll)
    return rolls


def _store_items(
    receipt: GoodsReceipt, entries: Sequence[Data], stored: Stored, stored_rolls: Mapping[int, list[Any]]
) -> None:
    if faults := stored.reserve(entries, ("fabricItemList",), N_("No such fabric item here, or named twice.")):
        raise BadFields(faults)
    gone: list[int] = []
    for position, entry in enumerate(entries):
        before = stored.take(entry)
        rolls = Stored(stored_rolls.get(before.id, ()) if before else (), "supplier_roll_no")
        path = ("fabricItemList", position, "supplierRollList")
        receipt.fabric_items.append(new_item(entry, before, position, new_rolls(entry["rolls"], rolls, path)))
        gone += [roll.id for roll in rolls.left]
    remove(SupplierRoll, gone)
    _remove_items([item.id for item in stored.left])
    write(receipt)


def _remove_items(ids: list[int]) -> None:
    query = select(LedgerRow.fabric_item_id).where(LedgerRow.fabric_item_id.in_(ids)).distinct()
    used = sorted(db.session.scalars(query)) if ids else []
    if used:
        raise ItemsInUse(used)
    remove(FabricItem, ids)


def remove(model: Any, ids: list[int]) -> None:
    """Delete rows of one kind in one statement."""
    if ids:
        those = bindparam("ids", ids, type_=ARRAY(BigInteger))
        query = delete(model).where(model.id == any_(those))
        db.session.execute(query.execution_options(synchronize_session=False))


def write(receipt: GoodsReceipt) -> None:
    """Store the items and rolls of a receipt, in four statements however many there are."""
    items = receipt.fabric_items
    bulk_upsert.number(items)
    for item in items:
        item.receipt_id = receipt.id
    bulk_upsert.store(items)
    rolls = [roll for item in items for roll in item.rolls]
    bulk_upsert.number(rolls)
    for roll in rolls:
        roll.fabric_item_id = roll.item.id
    bulk_upsert.store(rolls)
