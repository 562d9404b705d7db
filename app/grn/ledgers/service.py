"""Ledgers of fabric items: what goes into which style, what else came or went, and what is left."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, case, func, select, true

from app import events
from app.accounts import audit
from app.extensions import db
from app.grn.errors import AssociationsAreReplaced, UnknownMaster, UnknownRow
from app.grn.events import ASSOCIATED
from app.grn.ledgers.order_match import matched
from app.grn.models.columns import LedgerType, OutType
from app.grn.models.masters import Fabric
from app.grn.models.receipts import FabricItem, LedgerRow
from app.grn.receipts.item_builder import Data
from app.grn.receipts.packing_list import find_item
from app.grn.receipts.service import hold
from app.grn.schemas.pagination import Page, page_of, page_of_records

_ASSOCIATION = {"type": LedgerType.OUT.value, "out_type": OutType.ASSOCIATION.value}
_TELLING = ("flow_info_id", "part_id")


def associate(receipt_id: int, item_id: int, entries: Sequence[Data], *, actor: str) -> list[LedgerRow]:
    """Replace all associations of a fabric item; a row for the same flow line and part keeps its id.

    Raises:
        UnknownReceipt, UnknownItem: there is no such receipt or item.
        BadFields: an order, line or part does not match, or the extra fabric is not what ``extra`` makes of it.
    """
    hold(receipt_id)
    find_item(receipt_id, item_id)
    wanted = matched(entries)
    stored: dict[tuple[Any, ...], deque[LedgerRow]] = defaultdict(deque)
    for row in db.session.scalars(_rows(item_id).where(LedgerRow.out_type == OutType.ASSOCIATION)):
        stored[_telling(row)].append(row)
    rows = []
    for values in wanted:
        waiting = stored[tuple(values[name] for name in _TELLING)]
        row = waiting.popleft() if waiting else LedgerRow(fabric_item_id=item_id, created_by=actor)
        for name, value in {**_ASSOCIATION, **values}.items():
            setattr(row, name, value)
        rows.append(row)
    gone = [row for waiting in stored.values() for row in waiting]
    for row in gone:
        db.session.delete(row)
    db.session.add_all(rows)
    changed = [row for row in rows if db.session.is_modified(row)]
    if changed or gone:
        _announce(receipt_id, item_id, changed=changed, removed=gone)
    return rows


def _telling(row: LedgerRow) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in _TELLING)


def enter(receipt_id: int, item_id: int, entry: Data, *, actor: str) -> LedgerRow:
    """Add a row of another kind than an association.

    Raises:
        UnknownReceipt, UnknownItem: there is no such receipt or item.
    """
    hold(receipt_id)
    find_item(receipt_id, item_id)
    row = LedgerRow(fabric_item_id=item_id, created_by=actor, **entry)
    db.session.add(row)
    _announce(receipt_id, item_id, changed=[row])
    return row


def take_back(receipt_id: int, item_id: int, row_id: int, *, actor: str) -> None:
    """Remove a row that was entered by mistake; an audit row stays.

    Raises:
        UnknownReceipt, UnknownItem, UnknownRow: there is no such receipt, item or row.
        AssociationsAreReplaced: the row is an association.
    """
    hold(receipt_id)
    find_item(receipt_id, item_id)
    row = db.session.scalar(_rows(item_id).where(LedgerRow.id == row_id))
    if row is None:
        raise UnknownRow
    if row.out_type == OutType.ASSOCIATION:
        raise AssociationsAreReplaced
    audit.record(
        "ledger_row.deleted",
        actor=actor,
        subject=f"ledger_row:{row_id}",
        fabric_item_id=item_id,
        type=row.type,
        out_type=row.out_type,
        qty=str(row.qty),
        remarks=row.remarks,
    )
    db.session.delete(row)
    _announce(receipt_id, item_id, removed=[row])


def find_rows(receipt_id: int, item_id: int, asked: Mapping[str, Any]) -> Page:
    """One page of an item's ledger, oldest first.

    Raises:
        UnknownItem: this receipt has no such item.
    """
    find_item(receipt_id, item_id)
    query = _rows(item_id)
    for name in ("type", "out_type"):
        if name in asked:
            query = query.where(getattr(LedgerRow, name) == asked[name])
    return page_of(query, asked, (LedgerRow.id,))


def balance_of_item(receipt_id: int, item_id: int) -> Mapping[str, Any]:
    """What is left of a fabric item, in its unit of length.

    Raises:
        UnknownItem: this receipt has no such item.
    """
    find_item(receipt_id, item_id)
    query = _balances(FabricItem.receipt_id, FabricItem.fabric_id, FabricItem.color, FabricItem.uom_length)
    row: Mapping[str, Any] = db.session.execute(query.where(FabricItem.id == item_id)).mappings().one()
    return {**row, "invoice_id": receipt_id, "fabric_item_id": item_id}


def balances_of_fabric(fabric_id: int, asked: Mapping[str, Any]) -> Page:
    """One page of what is left of a fabric, by colour and unit: metres and kilograms are never summed.

    Raises:
        UnknownMaster: there is no such fabric.
    """
    if db.session.get(Fabric, fabric_id) is None:
        raise UnknownMaster
    group = (FabricItem.fabric_id, FabricItem.color, FabricItem.uom_length)
    query = _balances(*group).where(FabricItem.fabric_id == fabric_id)
    if "color" in asked:
        query = query.where(FabricItem.color == asked["color"])
    return page_of_records(query, asked, (FabricItem.color, FabricItem.uom_length))


def _balances(*group: Any) -> Select[Any]:
    def total(condition: Any) -> Any:
        return func.sum(case((condition, LedgerRow.qty), else_=0))

    # Summed per item first: joined to its ledger, an item would count once for each row.
    sums = (
        select(
            total(LedgerRow.type == LedgerType.IN).label("came_in"),
            total(LedgerRow.out_type == OutType.ASSOCIATION).label("associated"),
            total(LedgerRow.type == LedgerType.OUT).label("out"),
        )
        .where(LedgerRow.fabric_item_id == FabricItem.id)
        .correlate(FabricItem)
        .lateral()
    )
    grn_qty = func.coalesce(func.sum(FabricItem.grn_qty), 0)
    came_in, associated, out = (func.coalesce(func.sum(column), 0) for column in sums.c)
    left = grn_qty + came_in - out
    return (
        select(
            *group,
            grn_qty.label("grn_qty"),
            came_in.label("came_in"),
            (grn_qty + came_in).label("received"),
            associated.label("associated"),
            out.label("out"),
            left.label("balance"),
            (left < 0).label("negative"),
        )
        .select_from(FabricItem)
        .join(sums, true())
        .group_by(*group)
    )


def _rows(item_id: int) -> Select[Any]:
    return select(LedgerRow).where(LedgerRow.fabric_item_id == item_id).order_by(LedgerRow.id)


def _announce(
    receipt_id: int, item_id: int, *, changed: Sequence[LedgerRow] = (), removed: Sequence[LedgerRow] = ()
) -> None:
    db.session.flush()
    ledger = {
        "invoice_id": receipt_id,
        "fabric_item_id": item_id,
        "changed": changed,
        "removed": removed,
        "count": db.session.scalar(select(func.count()).where(LedgerRow.fabric_item_id == item_id)),
        "balance": balance_of_item(receipt_id, item_id),
    }
    events.emit(ASSOCIATED, ledger, subject_id=receipt_id)
