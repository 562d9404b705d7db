"""Which receipts a list shows: each filter rests on an index, so that lists stay fast as rolls pile up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
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
        query = query.where(GoodsReceipt.created_at >= _midnight(asked["created_from"]))
    if "created_to" in asked:
        query = query.where(GoodsReceipt.created_at < _midnight(asked["created_to"]) + timedelta(days=1))
    if conditions := _item_conditions(asked):
        query = query.where(GoodsReceipt.id.in_(select(FabricItem.receipt_id).where(*conditions)))
    if "roll_no" in asked:
        query = query.where(GoodsReceipt.id.in_(_with_roll(asked["roll_no"])))
    return _searched(query, asked["search"]) if asked.get("search") else query


def _item_conditions(asked: Mapping[str, Any]) -> list[Any]:
    conditions = [getattr(FabricItem, name) == asked[name] for name in _ITEM_EQUALS if name in asked]
    if "grn" in asked:
        conditions.append(func.lower(FabricItem.grn) == asked["grn"].lower())
    if "external_order_id" in asked:
        conditions.append(FabricItem.external_order_ids.contains([asked["external_order_id"]]))
    if "grn_date_from" in asked:
        conditions.append(FabricItem.grn_date >= asked["grn_date_from"])
    if "grn_date_to" in asked:
        conditions.append(FabricItem.grn_date <= asked["grn_date_to"])
    return conditions


def _with_roll(roll_no: str) -> Select[Any]:
    wanted = roll_no.lower()
    return (
        select(FabricItem.receipt_id)
        .join(FabricItem.rolls)
        .where(
            or_(
                func.lower(SupplierRoll.supplier_roll_no) == wanted,
                func.lower(SupplierRoll.factory_roll_no) == wanted,
            )
        )
    )


def _searched(query: Select[Any], words: str) -> Select[Any]:
    def begins(column: Any) -> Any:
        return func.lower(column).startswith(words.lower(), autoescape=True)

    headers = (GoodsReceipt.external_id, GoodsReceipt.invoice_no, GoodsReceipt.erp_invoice_no)
    found = (
        select(GoodsReceipt.id)
        .where(or_(*map(begins, headers)))
        .union_all(select(FabricItem.receipt_id).where(begins(FabricItem.grn)), _with_roll(words))
    )
    return query.where(GoodsReceipt.id.in_(found))


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time.min, UTC)
