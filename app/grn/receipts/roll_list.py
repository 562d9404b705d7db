"""Rolls of all receipts for a page: filters by number, fabric, colour, warehouse and state; each uses an index."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.grn.models.masters import Fabric
from app.grn.models.receipts import FabricItem, SupplierRoll
from app.grn.receipts.search import COUNT_LIMIT, equals_ignoring_case, starts_with
from app.kernel.pagination.keyset import MAX_COUNTED_ROWS, Order
from app.kernel.pagination.walk import Count, QuerySource

#: Fabrics and items that a filter resolves to ids first; with the ids the planner knows how few rows match.
MAX_RESOLVED = 200
#: Rolls that are found and sorted; the rolls of more are read in the order of the list until a page is full.
MAX_SORTED = 20_000
_NUMBERS = (SupplierRoll.supplier_roll_no, SupplierRoll.factory_roll_no)
_ITEM_COLUMNS = {"color": FabricItem.color, "warehouse": FabricItem.warehouse}
#: Name -> order of pages; each has an index and no empty values.
_ORDERS = {
    "created": Order((SupplierRoll.id,)),
    "number": Order((SupplierRoll.supplier_roll_no, SupplierRoll.id)),
}


class RollState(StrEnum):
    """Whether a roll was measured."""

    INSPECTED = "inspected"
    WAITING = "waiting"


def source(filters: Mapping[str, Any]) -> QuerySource:
    """The rolls that match all filters, newest first.

    The search is for the first characters of a number of the supplier or of the factory. If many numbers begin so, the
    rolls are not counted.
    """
    query, few, known = select(SupplierRoll), False, None
    if term := filters.get("search"):
        query = query.where(or_(*(starts_with(column, term) for column in _NUMBERS)))
        few = not _has_many_hits(term)
        known = None if few else Count(COUNT_LIMIT, exact=False)
    if conditions := _item_conditions(filters):
        condition, are_few = _rolls_of(conditions)
        query, few = query.where(condition), few or are_few
        known = None if are_few else known
    if state := filters.get("state"):
        at = SupplierRoll.inspected_at
        query = query.where(at.is_(None) if state == RollState.WAITING else at.is_not(None))
    options = (joinedload(SupplierRoll.item).joinedload(FabricItem.receipt),)
    limit = COUNT_LIMIT if term else MAX_COUNTED_ROWS
    return QuerySource(query, _ORDERS, "-created", options=options, few=few, known=known, count_limit=limit)


def _has_many_hits(term: str) -> bool:
    """Whether more than ``COUNT_LIMIT`` numbers begin with ``term``; no index is read beyond that."""
    branches = (select(true()).where(starts_with(column, term)) for column in _NUMBERS)
    query = select(or_(false(), *(branch.offset(COUNT_LIMIT).limit(1).exists() for branch in branches)))
    return bool(db.session.scalar(query))


def _item_conditions(filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Conditions for the fabric items of the rolls; a fabric is named by the first characters of its name or code."""
    conditions: list[ColumnElement[bool]] = [
        equals_ignoring_case(column, filters[name]) for name, column in _ITEM_COLUMNS.items() if filters.get(name)
    ]
    if text := filters.get("fabric"):
        named = select(Fabric.id).where(or_(starts_with(Fabric.name, text), starts_with(Fabric.code, text)))
        ids = list(db.session.scalars(named.limit(MAX_RESOLVED + 1)))
        conditions.append(FabricItem.fabric_id.in_(ids if len(ids) <= MAX_RESOLVED else named))
    return conditions


def _rolls_of(conditions: list[ColumnElement[bool]]) -> tuple[ColumnElement[bool], bool]:
    """The condition for rolls of the items that match ``conditions``, and whether these rolls are few."""
    items = select(FabricItem.id, FabricItem.roll_count).where(*conditions)
    found = db.session.execute(items.limit(MAX_RESOLVED + 1)).all()
    if len(found) > MAX_RESOLVED:
        return SupplierRoll.fabric_item_id.in_(items.with_only_columns(FabricItem.id)), False
    few = sum(row.roll_count for row in found) <= MAX_SORTED
    return SupplierRoll.fabric_item_id.in_([row.id for row in found]), few
