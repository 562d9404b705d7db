"""Which receipts a list shows: each filter rests on an index, so that lists stay fast as rolls pile up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Select, false, func, or_, select, true

from app.extensions import db
from app.grn.models.receipts import FabricItem, GoodsReceipt, SupplierRoll

SORTABLE: Mapping[str, Any] = {
    "id": GoodsReceipt.id,
    "createdDate": GoodsReceipt.created_at,
    "invoiceNo": GoodsReceipt.invoice_no,
    "invoiceDate": GoodsReceipt.invoice_date,
}
_HEADER_EQUALS = ("external_id", "supplier_id", "invoice_no", "erp_invoice_no")
_ITEM_EQUALS = ("fabric_id", "color", "order_id", "warehouse")
#: A search with more hits than this is not counted while the first receipts of the list fill the page.
MANY = 1000
#: How many receipts are looked at for each one of the page before such a search is worked out in full.
LOOK_AT = 10


def filtered(asked: Mapping[str, Any]) -> Select[Any]:
    """The receipts for which everything that was ``asked`` holds."""
    query = _narrowed(asked)
    words = asked.get("search")
    return query.where(GoodsReceipt.id.in_(_hits(words))) if words else query


def finds_many(words: str) -> bool:
    """Whether a search has more than ``MANY`` hits in one of its indexes; none is read further than that."""
    branches = [select(true()).where(condition) for condition in _headers(words)]
    branches += [select(true()).where(begins(FabricItem.grn, words)), select(true()).where(_named(words))]
    query = select(or_(false(), *(branch.offset(MANY).limit(1).exists() for branch in branches)))
    return bool(db.session.scalar(query))


def first_hits(asked: Mapping[str, Any], order: tuple[Any, ...], many: int) -> Select[Any]:
    """The hits among the first receipts of the list: as good as all of them, where nearly every receipt is one."""
    words = asked["search"]
    first = _narrowed(asked).with_only_columns(GoodsReceipt.id).order_by(*order).limit(many * LOOK_AT)
    of_receipt = select(FabricItem.id).where(FabricItem.receipt_id == GoodsReceipt.id).correlate(GoodsReceipt)
    hit = or_(
        *_headers(words),
        of_receipt.where(begins(FabricItem.grn, words)).exists(),
        of_receipt.join(FabricItem.rolls).where(_named(words)).exists(),
    )
    return select(GoodsReceipt).where(GoodsReceipt.id.in_(first), hit)


def _narrowed(asked: Mapping[str, Any]) -> Select[Any]:
    query = select(GoodsReceipt)
    for name in _HEADER_EQUALS:
        if name in asked:
            query = query.where(getattr(GoodsReceipt, name) == asked[name])
    if "created_from" in asked:
        query = query.where(GoodsReceipt.created_at >= datetime.combine(asked["created_from"], time.min, UTC))
    if "created_to" in asked:
        query = query.where(GoodsReceipt.created_at <= datetime.combine(asked["created_to"], time.max, UTC))
    if conditions := _item_conditions(asked):
        query = query.where(GoodsReceipt.id.in_(select(FabricItem.receipt_id).where(*conditions)))
    if "roll_no" in asked:
        query = query.where(GoodsReceipt.id.in_(_with_roll(asked["roll_no"])))
    return query


def same(column: Any, words: str) -> Any:
    """Whether a column says ``words`` in whatever case; the database lowers both, as its index does."""
    return func.lower(column) == func.lower(words)


def begins(column: Any, words: str) -> Any:
    """Whether a column begins with ``words`` in whatever case; its ``prefix_index`` answers."""
    pattern = "".join(f"\\{sign}" if sign in "\\%_" else sign for sign in words)
    return func.lower(column).like(func.lower(f"{pattern}%"), escape="\\")


def _item_conditions(asked: Mapping[str, Any]) -> list[Any]:
    conditions = [getattr(FabricItem, name) == asked[name] for name in _ITEM_EQUALS if name in asked]
    if "grn" in asked:
        conditions.append(same(FabricItem.grn, asked["grn"]))
    if "external_order_id" in asked:
        conditions.append(FabricItem.external_order_ids.contains([asked["external_order_id"]]))
    if "grn_date_from" in asked:
        conditions.append(FabricItem.grn_date >= asked["grn_date_from"])
    if "grn_date_to" in asked:
        conditions.append(FabricItem.grn_date <= asked["grn_date_to"])
    return conditions


def _named(roll_no: str) -> Any:
    return or_(*(same(number, roll_no) for number in (SupplierRoll.supplier_roll_no, SupplierRoll.factory_roll_no)))


def _with_roll(roll_no: str) -> Select[Any]:
    return select(FabricItem.receipt_id).join(FabricItem.rolls).where(_named(roll_no))


def _headers(words: str) -> list[Any]:
    headers = (GoodsReceipt.external_id, GoodsReceipt.invoice_no, GoodsReceipt.erp_invoice_no)
    return [begins(header, words) for header in headers]


def _hits(words: str) -> Any:
    by_header = select(GoodsReceipt.id).where(or_(*_headers(words)))
    by_item = select(FabricItem.receipt_id).where(begins(FabricItem.grn, words))
    return by_header.union_all(by_item, _with_roll(words))
