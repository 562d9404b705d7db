"""Services for ledgers of fabric items: associations to styles, other movements and balances."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, case, func, select, true

from app import events
from app.accounts import audit
from app.extensions import db
from app.grn.errors import AssociationsAreReplaced, UnknownMaster, UnknownRow
from app.grn.events import ASSOCIATED
from app.grn.ledgers.order_match import match_associations
from app.grn.models.columns import LedgerType, OutType
from app.grn.models.masters import Fabric
from app.grn.models.receipts import FabricItem, LedgerRow
from app.grn.receipts.item_builder import Data
from app.grn.receipts.packing_list import find_item
from app.grn.receipts.service import lock
from app.grn.schemas.pagination import Page, paginate, paginate_records

_ASSOCIATION = {"type": LedgerType.OUT.value, "out_type": OutType.ASSOCIATION.value}
#: Ledger rows that are searched for negative balances: a balance becomes negative by a movement.
RECENT_MOVEMENTS = 2_000
#: Changed and removed rows that an audit entry names.
_MOST_AUDITED = 20
_MATCH_COLUMNS = ("flow_info_id", "part_id")


def replace_associations(
    receipt_id: int, item_id: int, entries: Sequence[Data], *, author: str, actor: str
) -> list[LedgerRow]:
    """Replace all associations of a fabric item; a row with the same flow line and part keeps its id.

    A change writes an audit entry of ``actor``; ``author`` is the name that new rows show.

    Raises:
        UnknownReceipt, UnknownItem: there is no such receipt or item.
        BadFields: an order, line or part does not match, or the extra fabric does not agree with ``extra``.
    """
    lock(receipt_id)
    find_item(receipt_id, item_id)
    stored: dict[tuple[Any, ...], deque[LedgerRow]] = defaultdict(deque)
    before = item_balance(receipt_id, item_id)
    entry_values = match_associations(entries)
    for row in db.session.scalars(_rows_query(item_id).where(LedgerRow.out_type == OutType.ASSOCIATION)):
        stored[_match_key(row)].append(row)
    rows = []
    for values in entry_values:
        candidates = stored[tuple(values[name] for name in _MATCH_COLUMNS)]
        row = candidates.popleft() if candidates else LedgerRow(fabric_item_id=item_id, created_by=author)
        for name, value in {**_ASSOCIATION, **values}.items():
            setattr(row, name, value)
        rows.append(row)
    removed = [row for candidates in stored.values() for row in candidates]
    for row in removed:
        db.session.delete(row)
    db.session.add_all(rows)
    changed = [row for row in rows if db.session.is_modified(row)]
    if changed or removed:
        _emit_event(receipt_id, item_id, changed=changed, removed=removed)
        balances = (before["balance"], item_balance(receipt_id, item_id)["balance"])
        _audit_replacement(item_id, balances, changed=changed, removed=removed, actor=actor)
    return rows


def _audit_replacement(
    item_id: int,
    balances: tuple[Decimal, Decimal],
    *,
    changed: Sequence[LedgerRow],
    removed: Sequence[LedgerRow],
    actor: str,
) -> None:
    audit.record(
        "associations.replaced",
        actor=actor,
        subject=f"fabric_item:{item_id}",
        balance_before=_number(balances[0]),
        balance=_number(balances[1]),
        changed=[_text(row) for row in changed[:_MOST_AUDITED]],
        removed=[_text(row) for row in removed[:_MOST_AUDITED]],
        changed_count=len(changed),
        removed_count=len(removed),
    )


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _text(row: LedgerRow) -> str:
    """A row in one line, for the audit trail."""
    return f"{row.style} {row.color}: {_number(row.qty)}"


def _match_key(row: LedgerRow) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in _MATCH_COLUMNS)


def add_entry(receipt_id: int, item_id: int, entry: Data, *, author: str, actor: str) -> LedgerRow:
    """Add a row that is not an association.

    Raises:
        UnknownReceipt, UnknownItem: there is no such receipt or item.
    """
    lock(receipt_id)
    find_item(receipt_id, item_id)
    row = LedgerRow(fabric_item_id=item_id, created_by=author, **entry)
    db.session.add(row)
    db.session.flush()
    _audit_row("added", row, actor)
    _emit_event(receipt_id, item_id, changed=[row])
    return row


def delete_entry(receipt_id: int, item_id: int, row_id: int, *, actor: str) -> None:
    """Delete a row that is not an association, and write an audit entry.

    Raises:
        UnknownReceipt, UnknownItem, UnknownRow: there is no such receipt, item or row.
        AssociationsAreReplaced: the row is an association.
    """
    lock(receipt_id)
    find_item(receipt_id, item_id)
    row = db.session.scalar(_rows_query(item_id).where(LedgerRow.id == row_id))
    if row is None:
        raise UnknownRow
    if row.out_type == OutType.ASSOCIATION:
        raise AssociationsAreReplaced
    _audit_row("deleted", row, actor)
    db.session.delete(row)
    _emit_event(receipt_id, item_id, removed=[row])


def _audit_row(action: str, row: LedgerRow, actor: str) -> None:
    facts = {name: getattr(row, name) for name in ("fabric_item_id", "type", "out_type", "remarks")}
    audit.record(f"ledger_row.{action}", actor=actor, subject=f"ledger_row:{row.id}", qty=str(row.qty), **facts)


def find_rows(receipt_id: int, item_id: int, filters: Mapping[str, Any]) -> Page:
    """Return one page of an item's ledger, oldest row first.

    Raises:
        UnknownItem: this receipt has no such item.
    """
    find_item(receipt_id, item_id)
    query = _rows_query(item_id)
    for name in ("type", "out_type"):
        if name in filters:
            query = query.where(getattr(LedgerRow, name) == filters[name])
    return paginate(query, filters, (LedgerRow.id,))


def item_balance(receipt_id: int, item_id: int) -> Mapping[str, Any]:
    """Return the balance of a fabric item, in its ``uom_length``.

    Raises:
        UnknownItem: this receipt has no such item.
    """
    find_item(receipt_id, item_id)
    query = _balance_query(FabricItem.receipt_id, FabricItem.fabric_id, FabricItem.color, FabricItem.uom_length)
    row: Mapping[str, Any] = db.session.execute(query.where(FabricItem.id == item_id)).mappings().one()
    return {**row, "invoice_id": receipt_id, "fabric_item_id": item_id}


def fabric_balances(fabric_id: int, filters: Mapping[str, Any]) -> Page:
    """Return one page of the balances of a fabric by colour and unit; different units are never summed.

    Raises:
        UnknownMaster: there is no such fabric.
    """
    if db.session.get(Fabric, fabric_id) is None:
        raise UnknownMaster
    group = (FabricItem.fabric_id, FabricItem.color, FabricItem.uom_length)
    query = _balance_query(*group).where(FabricItem.fabric_id == fabric_id)
    if "color" in filters:
        query = query.where(FabricItem.color == filters["color"])
    return paginate_records(query, filters, (FabricItem.color, FabricItem.uom_length))


def negative_items(limit: int) -> list[FabricItem]:
    """Fabric items whose balance is negative, among those of the latest ``RECENT_MOVEMENTS`` ledger rows."""
    recent = select(LedgerRow.fabric_item_id).order_by(LedgerRow.id.desc()).limit(RECENT_MOVEMENTS).subquery()
    balances = _balance_query(FabricItem.id).where(FabricItem.id.in_(select(recent.c.fabric_item_id))).subquery()
    query = select(FabricItem).join(balances, balances.c.id == FabricItem.id).where(balances.c.negative)
    return list(db.session.scalars(query.order_by(FabricItem.id.desc()).limit(limit)))


def _balance_query(*group: Any) -> Select[Any]:
    def total(condition: Any) -> Any:
        return func.sum(case((condition, LedgerRow.qty), else_=0))

    # The ledger is summed per item first: a plain join would count ``grn_qty`` once for each ledger row.
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


def _rows_query(item_id: int) -> Select[Any]:
    return select(LedgerRow).where(LedgerRow.fabric_item_id == item_id).order_by(LedgerRow.id)


def _emit_event(
    receipt_id: int, item_id: int, *, changed: Sequence[LedgerRow] = (), removed: Sequence[LedgerRow] = ()
) -> None:
    db.session.flush()
    ledger = {
        "invoice_id": receipt_id,
        "fabric_item_id": item_id,
        "changed": changed,
        "removed": removed,
        "count": db.session.scalar(select(func.count()).where(LedgerRow.fabric_item_id == item_id)),
        "balance": item_balance(receipt_id, item_id),
    }
    events.emit(ASSOCIATED, ledger, subject_id=receipt_id)
