"""Which receipts a list shows: each filter rests on an index, so that lists stay fast as rolls pile up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Select, func, or_, select

from app.grn.models import FabricItem, GoodsReceipt, SupplierRoll

SORTABLE: Mapping[str, Any] = {
    "id": GoodsReceipt.id,
    "createdDate": GoodsReceipt.created_at,
    "invoiceNo": GoodsReceipt.invoice_no,
    "invoiceDate": GoodsReceipt.invoice_date,
}
_HEADER_EQUALS = ("external_id", "supplier_id", "invoice_no", "erp_invoice_no")
_ITEM_EQUALS = ("fabric_id", "color", "order_id", "warehouse")


def filtered(asked: Mapping[str, Any]) -> Select[Any]:
    """The receipts for which everything that was ``asked`` holds."""
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
    return _searched(query, asked["search"]) if asked.get("search") else query


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


def _with_roll(roll_no: str) -> Select[Any]:
    numbers = (SupplierRoll.supplier_roll_no, SupplierRoll.factory_roll_no)
    named = or_(*(same(number, roll_no) for number in numbers))
    return select(FabricItem.receipt_id).join(FabricItem.rolls).where(named)


def _searched(query: Select[Any], words: str) -> Select[Any]:
    headers = (GoodsReceipt.external_id, GoodsReceipt.invoice_no, GoodsReceipt.erp_invoice_no)
    found = (
        select(GoodsReceipt.id)
        .where(or_(*(begins(header, words) for header in headers)))
        .union_all(select(FabricItem.receipt_id).where(begins(FabricItem.grn, words)), _with_roll(words))
    )
    return query.where(GoodsReceipt.id.in_(found))
