"""Look-up of e-invoices: one for reading, one for update, pages of lists with totals and cursors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, not_, select, tuple_
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from app.accounts.ownership import Scope
from app.einvoices.errors import UnknownEinvoice
from app.einvoices.models.einvoices import Einvoice, EinvoiceEvent
from app.einvoices.models.work import EinvoiceTally
from app.einvoices.queries import change_clock
from app.einvoices.queries.problems import PROBLEMS
from app.einvoices.queries.search import apply_search, resolve_identifiers
from app.einvoices.status import Status
from app.extensions import db
from app.kernel import clock
from app.kernel.database.daily_counts import DailyCount, count_per_day
from app.kernel.database.sequences import MAX_ID
from app.kernel.pagination.byte_limit import fitting_rows
from app.kernel.pagination.cursors import decode_cursor, encode_cursor

#: Entries of the history that are shown.
MAX_HISTORY = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Number of rows that are counted in about a millisecond.
_CHEAP_COUNT = 5_000
#: Maximum time that a client that reads changes page by page may take for one page.
_MAX_PAGE_INTERVAL = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class EinvoicePage:
    """One page, newest first; values of ``meta`` that were not counted are None."""

    data: Sequence[Einvoice]
    meta: Mapping[str, Any]


def find(einvoice_id: int, scope: Scope, *, items: bool = True, events: bool = False) -> Einvoice:
    """One e-invoice, with its items and history if requested.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
    """
    return _load(scoped(scope).where(Einvoice.id == einvoice_id), items=items, events=events)


def find_names(ids: Sequence[int], scope: Scope) -> dict[int, str | None]:
    """The numbers of the e-invoices within ``scope``, by id; None for drafts."""
    query = scoped(scope).where(Einvoice.id.in_(ids)).with_only_columns(Einvoice.id, Einvoice.invoice_no)
    return {row.id: row.invoice_no for row in db.session.execute(query)}


def is_in_force() -> ColumnElement[bool]:
    """Condition: the e-invoice is not cancelled, and no correction took its place."""
    return and_(Einvoice.status != Status.CANCELLED, Einvoice.corrected_by_id.is_(None))


def list_credits(original: Einvoice) -> Sequence[Einvoice]:
    """The returns and credit notes of a sale, also those from before its correction, oldest first."""
    query = select(Einvoice).where(Einvoice.original_id.in_(ids_of_sale(original))).order_by(Einvoice.id)
    return list(db.session.scalars(query))


def ids_of_sale(einvoice: Einvoice) -> list[int]:
    """The id of an e-invoice, and those of the rejected ones that it corrects one after the other."""
    ids, corrected = [einvoice.id], einvoice.corrects_id
    while corrected is not None:
        ids.append(corrected)
        corrected = db.session.scalar(select(Einvoice.corrects_id).where(Einvoice.id == corrected))
    return ids


def created_per_day(days: int, scope: Scope) -> Sequence[DailyCount]:
    """Number of e-invoices created on each of the last days."""
    conditions = () if scope is None else (Einvoice.owner_id == scope,)
    return count_per_day(Einvoice.created_at, days, *conditions)


def find_for_update(einvoice_id: int, scope: Scope) -> Einvoice:
    """One e-invoice with its items; its row is locked until the commit.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
    """
    return _load(scoped(scope).where(Einvoice.id == einvoice_id).with_for_update(of=Einvoice), items=True)


def find_page(query: Mapping[str, Any], scope: Scope) -> EinvoicePage:
    """One page of the e-invoices that match all filters.

    With ``updated_since`` the order is by last change, newest first. A row that changes while a client reads the pages
    moves to the front, so the client skips no other row, and the next read finds the changed row. Rows that are not
    final yet (see ``change_clock``) are left out of the page but keep their position; otherwise the rows below would
    move up and the client would skip them.
    """
    if "updated_since" in query:
        return _changed_page(query, scope)
    query, key = resolve_identifiers(query, scoped(scope)), (Einvoice.id,)
    selected = filtered(scoped(scope), query)
    total = None if "cursor" in query else _count_total(selected, query, scope)
    rows = _load_rows(_paginate(selected, key, query), key, query["per_page"] + 1)
    return EinvoicePage(rows[: query["per_page"]], _meta(query, total, rows, by_change=False))


def _changed_page(query: Mapping[str, Any], scope: Scope) -> EinvoicePage:
    settled, key = change_clock.settled_before(), (Einvoice.updated_at, Einvoice.id)
    query = resolve_identifiers(query, scoped(scope))  # after settled_before(): it must see all final changes
    changed = scoped(scope).where(Einvoice.updated_at >= query["updated_since"])
    selected = filtered(changed, query)
    total, departed = None, 0
    if "cursor" not in query:
        total, departed = _count_changed(selected, query, scope), _count_departed(changed, query)
    rows = _load_rows(_paginate(selected, key, query, departed), key, query["per_page"] + 1)
    final = [row for row in rows[: query["per_page"]] if row.updated_at < settled]
    return EinvoicePage(final, _meta(query, total, rows, by_change=True, departed=departed))


def _count_departed(changed: Select[Any], query: Mapping[str, Any]) -> int:
    """Maximum number of rows that stopped matching the filters since the client started to read the pages.

    Each such row moves all rows below it up by one, and the client would skip one row at the next page. So the next
    page starts that many rows earlier and may repeat rows. The period that is counted grows with the page number, at
    least as fast as the client reads; so the offset never shrinks, and no row falls between two pages.
    """
    if query["page"] == 1 or not {"status", "marketplace", "search", "in_doubt", "attention"} & query.keys():
        return 0
    recent = changed.where(Einvoice.updated_at >= clock.now() - _MAX_PAGE_INTERVAL * (query["page"] - 1))
    if "type" in query:
        recent = recent.where(Einvoice.type == query["type"])
    if query.get("status", Status.DRAFT) != Status.DRAFT:
        recent = recent.where(Einvoice.status != Status.DRAFT)  # no e-invoice becomes a draft again
    everything, matching = (_count_query(each).scalar_subquery() for each in (recent, filtered(recent, query)))
    return int(db.session.scalar(select(everything - matching)))  # one statement: both counts see the same rows


def _meta(
    query: Mapping[str, Any], total: int | None, rows: Sequence[Einvoice], *, by_change: bool, departed: int = 0
) -> dict[str, Any]:
    size, counted = query["per_page"], total is not None
    return {
        "current_page": query["page"] if counted else None,
        "per_page": size,
        "total": total,
        "last_page": max(1, -(-((total or 0) + departed) // size)) if counted else None,
        "next_cursor": _encode_cursor(rows[size - 1], by_change) if len(rows) > size else None,
    }


def scoped(scope: Scope) -> Select[Any]:
    """The e-invoices that the caller may see."""
    query = select(Einvoice)
    return query if scope is None else query.where(Einvoice.owner_id == scope)


def _load(query: Select[Any], *, items: bool, events: bool = False) -> Einvoice:
    options: list[Any] = [selectinload(Einvoice.pdf), selectinload(Einvoice.provider_account)]
    options += [selectinload(Einvoice.items)] if items else []
    found: Einvoice | None = db.session.scalar(query.options(*options).execution_options(populate_existing=True))
    if found is None:
        raise UnknownEinvoice
    if events:
        set_committed_value(found, "events", _newest_events(found))
    return found


def _newest_events(einvoice: Einvoice) -> list[EinvoiceEvent]:
    """The history, oldest first; of a very long one the newest part. A provider may report as often as it likes."""
    order = (EinvoiceEvent.id.desc(),)
    query = select(EinvoiceEvent).where(EinvoiceEvent.einvoice_id == einvoice.id).order_by(*order)
    rows, _ = fitting_rows(query.limit(MAX_HISTORY), order)
    return rows[::-1]


def filtered(selected: Select[Any], query: Mapping[str, Any]) -> Select[Any]:
    """Those of ``selected`` that match all filters."""
    for name in ("status", "type", "marketplace", "is_test"):
        if name in query:
            selected = selected.where(getattr(Einvoice, name) == query[name])
    if "in_doubt" in query:
        condition = PROBLEMS["in_doubt"]()
        selected = selected.where(condition if query["in_doubt"] else not_(condition))
    if "attention" in query:
        selected = selected.where(PROBLEMS[query["attention"]]())
    return apply_search(selected, query)


def _is_tallied(query: Mapping[str, Any]) -> bool:
    """Whether the tally has every filter of the query."""
    return not query.get("search") and not {"in_doubt", "attention", "is_test"} & query.keys()


def count_tallied(query: Mapping[str, Any], scope: Scope) -> int | None:
    """The number of e-invoices that match the filters, by the tally; None if it does not have all of them."""
    is_known = _is_tallied(query) and "updated_since" not in query
    return int(db.session.scalar(_tally_query(query, scope))) if is_known else None


def _count_total(selected: Select[Any], query: Mapping[str, Any], scope: Scope) -> int:
    return int(db.session.scalar(_tally_query(query, scope))) if _is_tallied(query) else _count(selected)


def _tally_query(query: Mapping[str, Any], scope: Scope) -> Select[Any]:
    summed = select(func.coalesce(func.sum(EinvoiceTally.amount), 0))
    if scope is not None:
        summed = summed.where(EinvoiceTally.owner_id == scope)
    for name in ("status", "type", "marketplace"):
        if name in query:
            summed = summed.where(getattr(EinvoiceTally, name) == query[name])
    return summed


def _count_changed(selected: Select[Any], query: Mapping[str, Any], scope: Scope) -> int:
    """Exact number of changed rows; clients stop reading at it.

    When nearly all rows have changed, it is the tally minus the number of unchanged rows.
    """
    count = _count(selected, _CHEAP_COUNT)
    if count < _CHEAP_COUNT:
        return count
    if _is_tallied(query):
        older = filtered(scoped(scope).where(Einvoice.updated_at < query["updated_since"]), query)
        # One statement: both counts see the same rows.
        both = select(_tally_query(query, scope).scalar_subquery(), _count_query(older, _CHEAP_COUNT).scalar_subquery())
        everything, unchanged = db.session.execute(both).one()
        if unchanged < _CHEAP_COUNT:
            return int(everything - unchanged)
    return _count(selected)


def _count(selected: Select[Any], limit: int | None = None) -> int:
    return int(db.session.scalar(_count_query(selected, limit)))


def _count_query(selected: Select[Any], limit: int | None = None) -> Select[Any]:
    """Query for the number of selected rows, at most ``limit``."""
    found = selected.with_only_columns(literal(1), maintain_column_froms=True).order_by(None).limit(limit)
    return select(func.count()).select_from(found.subquery())


def _paginate(selected: Select[Any], key: tuple[Any, ...], query: Mapping[str, Any], departed: int = 0) -> Select[Any]:
    if "cursor" not in query:
        return selected.offset(max(0, (query["page"] - 1) * query["per_page"] - departed))
    if query["cursor"]:
        return selected.where(tuple_(*key) < tuple_(*_decode_cursor(query["cursor"], len(key))))
    return selected


def _load_rows(selected: Select[Any], key: tuple[Any, ...], limit: int) -> list[Einvoice]:
    ordered = selected.order_by(*(column.desc() for column in key)).limit(limit)
    return list(db.session.scalars(ordered.options(joinedload(Einvoice.pdf))))


def _encode_cursor(row: Einvoice, by_change: bool) -> str:
    microseconds = (row.updated_at - _EPOCH) // timedelta(microseconds=1)
    text = f"{microseconds}.{row.id}" if by_change else str(row.id)
    return encode_cursor(text.encode())


def _decode_cursor(cursor: str, length: int) -> list[Any]:
    def parse(values: bytes) -> list[Any]:
        numbers = [int(part) for part in values.decode("ascii").split(".")]
        if len(numbers) != length or not all(0 < number <= MAX_ID for number in numbers):
            raise ValueError("another list's cursor")
        return [_EPOCH + timedelta(microseconds=number) for number in numbers[:-1]] + numbers[-1:]

    return decode_cursor(cursor, parse)
