"""Queries for the list of receipts: filters, search and sort columns; each filter uses an index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, false, func, or_, select, true
from sqlalchemy.orm import contains_eager

from app.extensions import db
from app.grn.models.receipts import FabricItem, GoodsReceipt, SupplierRoll
from app.kernel import time_zones

SORTABLE: Mapping[str, Any] = {
    "id": GoodsReceipt.id,
    "createdDate": GoodsReceipt.created_at,
    "invoiceNo": GoodsReceipt.invoice_no,
    "invoiceDate": GoodsReceipt.invoice_date,
}
_HEADER_EQUALS = ("external_id", "supplier_id", "invoice_no", "erp_invoice_no")
_ITEM_EQUALS = ("fabric_id", "order_id")
#: Texts of items that are compared without case.
_ITEM_TEXTS = ("grn", "color", "warehouse")
#: A search with more hits than this is not counted, if the first receipts of the list contain enough hits.
COUNT_LIMIT = 1000
#: Receipts that such a search examines for each receipt to show, before the full search is run.
SCAN_FACTOR = 10


def filter_receipts(filters: Mapping[str, Any]) -> Select[Any]:
    """Return the query for the receipts that match all filters and the search."""
    query = _apply_filters(filters)
    term = filters.get("search")
    return query.where(GoodsReceipt.id.in_(_hit_ids(term))) if term else query


def has_many_hits(term: str) -> bool:
    """Whether a search has more than ``COUNT_LIMIT`` hits in one of its indexes; no index is read beyond that."""
    branches = [select(true()).where(condition) for condition in _header_conditions(term)]
    branches += [select(true()).where(starts_with(FabricItem.grn, term)), select(true()).where(_has_roll_no(term))]
    query = select(or_(false(), *(branch.offset(COUNT_LIMIT).limit(1).exists() for branch in branches)))
    return bool(db.session.scalar(query))


def hits_among_first(filters: Mapping[str, Any], order: tuple[Any, ...], count: int) -> Select[Any]:
    """Return the query for the hits among the first ``SCAN_FACTOR`` × ``count`` receipts of the list.

    It finds enough hits without the full search, if a large part of the receipts are hits.
    """
    term = filters["search"]
    first = _apply_filters(filters).with_only_columns(GoodsReceipt.id).order_by(*order).limit(count * SCAN_FACTOR)
    items = select(FabricItem.id).where(FabricItem.receipt_id == GoodsReceipt.id).correlate(GoodsReceipt)
    hit = or_(
        *_header_conditions(term),
        items.where(starts_with(FabricItem.grn, term)).exists(),
        items.join(FabricItem.rolls).where(_has_roll_no(term)).exists(),
    )
    return select(GoodsReceipt).where(GoodsReceipt.id.in_(first), hit)


def find_rolls(roll_no: str, limit: int) -> list[SupplierRoll]:
    """Rolls with a number of the supplier or of the factory, newest first, each with its item and receipt."""
    query = select(SupplierRoll).where(_has_roll_no(roll_no)).order_by(SupplierRoll.id.desc()).limit(limit)
    receipt = contains_eager(SupplierRoll.item).contains_eager(FabricItem.receipt)
    return list(db.session.scalars(query.join(SupplierRoll.item).join(FabricItem.receipt).options(receipt)))


def _apply_filters(filters: Mapping[str, Any]) -> Select[Any]:
    query = select(GoodsReceipt)
    for name in _HEADER_EQUALS:
        if name in filters:
            query = query.where(getattr(GoodsReceipt, name) == filters[name])
    if "created_from" in filters:
        query = query.where(GoodsReceipt.created_at >= time_zones.beginning_of(filters["created_from"]))
    if "created_to" in filters:
        query = query.where(GoodsReceipt.created_at <= time_zones.end_of(filters["created_to"]))
    if conditions := _item_conditions(filters):
        query = query.where(GoodsReceipt.id.in_(select(FabricItem.receipt_id).where(*conditions)))
    if "roll_no" in filters:
        query = query.where(GoodsReceipt.id.in_(_receipt_ids_with_roll(filters["roll_no"])))
    return query


def equals_ignoring_case(column: Any, term: str) -> Any:
    """Compare without case; the database lowers both sides, because the index has the lowered values."""
    return func.lower(column) == func.lower(term)


def starts_with(column: Any, term: str) -> Any:
    """Compare the first characters without case; the ``prefix_index`` of the column is used."""
    pattern = "".join(f"\\{char}" if char in "\\%_" else char for char in term)
    return func.lower(column).like(func.lower(f"{pattern}%"), escape="\\")


def _item_conditions(filters: Mapping[str, Any]) -> list[Any]:
    conditions = [getattr(FabricItem, name) == filters[name] for name in _ITEM_EQUALS if name in filters]
    texts = [name for name in _ITEM_TEXTS if name in filters]
    conditions += [equals_ignoring_case(getattr(FabricItem, name), filters[name]) for name in texts]
    if "external_order_id" in filters:
        conditions.append(FabricItem.external_order_ids.contains([filters["external_order_id"]]))
    if "grn_date_from" in filters:
        conditions.append(FabricItem.grn_date >= filters["grn_date_from"])
    if "grn_date_to" in filters:
        conditions.append(FabricItem.grn_date <= filters["grn_date_to"])
    return conditions


def _has_roll_no(roll_no: str) -> Any:
    columns = (SupplierRoll.supplier_roll_no, SupplierRoll.factory_roll_no)
    return or_(*(equals_ignoring_case(column, roll_no) for column in columns))


def _receipt_ids_with_roll(roll_no: str) -> Select[Any]:
    return select(FabricItem.receipt_id).join(FabricItem.rolls).where(_has_roll_no(roll_no))


def _header_conditions(term: str) -> list[Any]:
    headers = (GoodsReceipt.external_id, GoodsReceipt.invoice_no, GoodsReceipt.erp_invoice_no)
    return [starts_with(header, term) for header in headers]


def _hit_ids(term: str) -> Any:
    by_header = select(GoodsReceipt.id).where(or_(*_header_conditions(term)))
    by_item = select(FabricItem.receipt_id).where(starts_with(FabricItem.grn, term))
    return by_header.union_all(by_item, _receipt_ids_with_roll(term))
