"""Services for goods receipts: receive, change, delete, find and list."""

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
from app.grn.receipts.item_builder import Data, StoredRows, build_item, build_rolls, master_references
from app.grn.schemas.pagination import Page, order_columns, paginate, paginate_uncounted
from app.kernel import clock
from app.kernel.database.daily_counts import DailyCount, count_per_day
from app.kernel.messages import N_
from app.kernel.pagination.keyset import Order
from app.kernel.pagination.walk import Count, QuerySource

#: Loads all that ``ReceiptSchema`` shows, in three statements for any number of rolls.
LOAD_ALL = selectinload(GoodsReceipt.fabric_items).selectinload(FabricItem.rolls)
_UNKNOWN = {
    "supplier_id": N_("Unknown supplier."),
    "fabric_id": N_("Unknown fabric."),
    "order_id": N_("Unknown order."),
}
_REFERENCE_MODELS = {"supplier_id": Supplier, "fabric_id": Fabric, "order_id": ProductionOrder}
_HEADER_COLUMNS = ("external_id", "supplier_id", "invoice_no", "invoice_date", "erp_invoice_no", "extra")

_AUDITED_COLUMNS = tuple(name for name in _HEADER_COLUMNS if name != "extra")


def receive(data: Data, *, actor: str) -> GoodsReceipt:
    """Create a goods receipt.

    Raises:
        DuplicateReceipt: another receipt has this ``external_id``.
        BadFields: a supplier, fabric or order does not exist.
    """
    _check_references(data)
    receipt = _build_header(data)
    values = {**_header_values(receipt), GoodsReceipt.created_at: receipt.created_at}
    statement = insert(GoodsReceipt).values(values).on_conflict_do_nothing(index_elements=["external_id"])
    receipt.id = db.session.scalar(statement.returning(GoodsReceipt.id))
    if receipt.id is None:
        raise DuplicateReceipt(_find_id(data["external_id"]))
    _store_items(receipt, data["fabric_items"], StoredRows((), "external_id"), {})
    _audit("created", receipt, actor)
    events.emit(CREATED, receipt, subject_id=receipt.id)
    papers.schedule(receipt.id)
    return receipt


def change(receipt_id: int, data: Data, *, actor: str) -> GoodsReceipt:
    """Replace a receipt by ``data``: items and rolls that match a stored one keep their ids, all others are removed.

    Raises:
        UnknownReceipt: there is no such receipt.
        DuplicateReceipt: another receipt has this ``external_id``.
        ItemsInUse: an item that ``data`` leaves out has ledger rows.
        BadFields: a reference or an id of an item or a roll is unknown.
    """
    created_at = lock(receipt_id).created_at
    _check_references(data)
    other_id = _find_id(data.get("external_id"))
    if other_id not in {None, receipt_id}:
        raise DuplicateReceipt(other_id)
    receipt = _build_header(data)
    changed = audit.changes(_present_header(receipt_id), audit.state_of(receipt, _AUDITED_COLUMNS))
    db.session.execute(update(GoodsReceipt).where(GoodsReceipt.id == receipt_id).values(_header_values(receipt)))
    receipt.id, receipt.created_at = receipt_id, created_at
    items = db.session.execute(
        select(FabricItem.id, FabricItem.external_id)
        .where(FabricItem.receipt_id == receipt_id)
        .order_by(FabricItem.position)
    )
    _store_items(receipt, data["fabric_items"], StoredRows(items.all(), "external_id"), _load_rolls(receipt_id))
    _audit("changed", receipt, actor, changed=changed)
    events.emit(UPDATED, receipt, subject_id=receipt_id)
    papers.schedule_later(receipt_id)
    return receipt


def delete_receipt(receipt_id: int, *, actor: str) -> None:
    """Delete a receipt with its items, rolls and ledger rows; write an audit entry and an event.

    Raises:
        UnknownReceipt: there is no such receipt.
    """
    lock(receipt_id)
    receipt = find(receipt_id)
    rows = db.session.scalar(
        select(func.count()).select_from(LedgerRow).where(LedgerRow.fabric_item_id.in_(_item_ids(receipt)))
    )
    _audit("deleted", receipt, actor, ledger_rows=rows)
    events.emit(DELETED, receipt, subject_id=receipt_id)
    papers.delete_files(receipt_id)
    # The foreign keys cascade, so the rows need not be loaded.
    db.session.execute(delete(GoodsReceipt).where(GoodsReceipt.id == receipt_id))


def delete_by_external_id(external_id: str, *, actor: str) -> None:
    """Delete the receipt with this ``external_id``.

    Raises:
        UnknownReceipt: no receipt has it.
    """
    receipt_id = _find_id(external_id)
    if receipt_id is None:
        raise UnknownReceipt
    delete_receipt(receipt_id, actor=actor)


def find(receipt_id: int) -> GoodsReceipt:
    """Find a receipt with its fabric items and rolls.

    Raises:
        UnknownReceipt: there is no such receipt.
    """
    query = select(GoodsReceipt).where(GoodsReceipt.id == receipt_id).options(LOAD_ALL)
    receipt: GoodsReceipt | None = db.session.scalar(query.execution_options(populate_existing=True))
    if receipt is None:
        raise UnknownReceipt
    return receipt


def find_header(receipt_id: int) -> GoodsReceipt:
    """Find a receipt with its fabric items, without their rolls.

    Raises:
        UnknownReceipt: there is no such receipt.
    """
    query = select(GoodsReceipt).where(GoodsReceipt.id == receipt_id).options(selectinload(GoodsReceipt.fabric_items))
    receipt: GoodsReceipt | None = db.session.scalar(query)
    if receipt is None:
        raise UnknownReceipt
    return receipt


_WITH_ITEMS: Any = {"options": (selectinload(GoodsReceipt.fabric_items),), "parts": ((FabricItem.receipt_id,),)}


def find_page(filters: Mapping[str, Any]) -> Page:
    """Return one page of the receipts that match all filters, without rolls; a search with many hits is not counted.

    Raises:
        Invalid: the receipts of the page are too large together.
    """
    order = order_columns(filters["sort"], search.SORTABLE)
    page = None
    if filters.get("search") and search.has_many_hits(filters["search"]):
        count = (filters["page"] + 1) * filters["page_size"]
        page = paginate_uncounted(search.hits_among_first(filters, order, count), filters, order, **_WITH_ITEMS)
    return page or paginate(search.filter_receipts(filters), filters, order, **_WITH_ITEMS)


#: Name -> order of pages; each has an index and no empty values.
_ORDERS = {
    "created": Order((GoodsReceipt.created_at, GoodsReceipt.id)),
    "number": Order((GoodsReceipt.invoice_no, GoodsReceipt.id)),
}


def source(filters: Mapping[str, Any]) -> QuerySource:
    """The receipts that match all filters, for a page, without rolls; a search with many hits is not counted."""
    term = filters.get("search")
    known = Count(search.COUNT_LIMIT, exact=False) if term and search.has_many_hits(term) else None
    query = search.filter_receipts(filters)
    return QuerySource(query, _ORDERS, "-created", **_WITH_ITEMS, known=known)


def received_per_day(days: int) -> Sequence[DailyCount]:
    """Return the number of receipts that were created on each of the last days."""
    return count_per_day(GoodsReceipt.created_at, days)


def lock(receipt_id: int) -> Any:
    """Lock a receipt until the transaction ends; every change of the receipt or its parts takes this lock first.

    Raises:
        UnknownReceipt: there is no such receipt.
    """
    query = select(GoodsReceipt.id, GoodsReceipt.created_at).where(GoodsReceipt.id == receipt_id)
    row = db.session.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise UnknownReceipt
    return row


def _audit(action: str, receipt: GoodsReceipt, actor: str, **facts: Any) -> None:
    names = ("external_id", "supplier_id", "invoice_no")
    facts |= {name: getattr(receipt, name) for name in names} | {"fabric_items": len(receipt.fabric_items)}
    facts["rolls"] = sum(item.roll_count for item in receipt.fabric_items)
    audit.record(f"receipt.{action}", actor=actor, subject=f"receipt:{receipt.id}", **facts)


def _build_header(data: Data) -> GoodsReceipt:
    moment = clock.now()
    return GoodsReceipt(created_at=moment, updated_at=moment, **{name: data.get(name) for name in _HEADER_COLUMNS})


def _header_values(receipt: GoodsReceipt) -> dict[Any, Any]:
    return {getattr(GoodsReceipt, name): getattr(receipt, name) for name in (*_HEADER_COLUMNS, "updated_at")}


def _present_header(receipt_id: int) -> Mapping[str, Any]:
    columns = [getattr(GoodsReceipt, name) for name in _AUDITED_COLUMNS]
    return dict(db.session.execute(select(*columns).where(GoodsReceipt.id == receipt_id)).mappings().one())


def _find_id(external_id: str | None) -> Any:
    return external_id and db.session.scalar(select(GoodsReceipt.id).where(GoodsReceipt.external_id == external_id))


def _item_ids(receipt: GoodsReceipt) -> list[int]:
    return [item.id for item in receipt.fabric_items]


def _check_references(data: Data) -> None:
    wanted = [(("supplierId",), "supplier_id", data["supplier_id"]), *master_references(data["fabric_items"])]
    faults: list[Fault] = []
    for kind, model in _REFERENCE_MODELS.items():
        ids = {row_id for _, name, row_id in wanted if name == kind}
        # FOR KEY SHARE, the lock of a foreign key: no row is deleted between this check and the insert.
        stored = select(model.id).where(model.id.in_(ids)).order_by(model.id).with_for_update(read=True, key_share=True)
        known = set(db.session.scalars(stored)) if ids else set()
        faults += [
            (path, row_id, _UNKNOWN[kind]) for path, name, row_id in wanted if name == kind and row_id not in known
        ]
    if faults:
        raise BadFields(faults)


def _load_rolls(receipt_id: int) -> dict[int, list[Any]]:
    rolls: dict[int, list[Any]] = defaultdict(list)
    query = select(SupplierRoll).join(SupplierRoll.item).where(FabricItem.receipt_id == receipt_id)
    for roll in db.session.scalars(query.order_by(SupplierRoll.position)):
        rolls[roll.fabric_item_id].append(roll)
    return rolls


def _store_items(
    receipt: GoodsReceipt, entries: Sequence[Data], stored: StoredRows, stored_rolls: Mapping[int, list[Any]]
) -> None:
    if faults := stored.reserve(entries, ("fabricItemList",), N_("No such fabric item here, or named twice.")):
        raise BadFields(faults)
    removed_rolls: list[int] = []
    for position, entry in enumerate(entries):
        before = stored.take(entry)
        rolls = StoredRows(stored_rolls.get(before.id, ()) if before else (), "supplier_roll_no")
        path = ("fabricItemList", position, "supplierRollList")
        receipt.fabric_items.append(build_item(entry, before, position, build_rolls(entry["rolls"], rolls, path)))
        removed_rolls += [roll.id for roll in rolls.unmatched]
    delete_rows(SupplierRoll, removed_rolls)
    _remove_items([item.id for item in stored.unmatched])
    store_items_and_rolls(receipt)


def _remove_items(ids: list[int]) -> None:
    query = select(LedgerRow.fabric_item_id).where(LedgerRow.fabric_item_id.in_(ids)).distinct()
    used = sorted(db.session.scalars(query)) if ids else []
    if used:
        raise ItemsInUse(used)
    delete_rows(FabricItem, ids)


def delete_rows(model: Any, ids: list[int]) -> None:
    """Delete rows of one model in one statement."""
    if ids:
        id_array = bindparam("ids", ids, type_=ARRAY(BigInteger))
        statement = delete(model).where(model.id == any_(id_array))
        db.session.execute(statement.execution_options(synchronize_session=False))


def store_items_and_rolls(receipt: GoodsReceipt) -> None:
    """Store the items and rolls of a receipt, in four statements for any number of rows."""
    items = receipt.fabric_items
    bulk_upsert.assign_ids(items)
    for item in items:
        item.receipt_id = receipt.id
    bulk_upsert.upsert(items)
    rolls = [roll for item in items for roll in item.rolls]
    bulk_upsert.assign_ids(rolls)
    for roll in rolls:
        roll.fabric_item_id = roll.item.id
    bulk_upsert.upsert(rolls)
