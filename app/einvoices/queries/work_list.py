"""E-invoices for a page: what needs a person comes first (rejected, in doubt, not sent, incomplete drafts)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select, true
from sqlalchemy.orm import joinedload

from app.accounts.models.accounts import User
from app.accounts.ownership import Scope
from app.einvoices import sellers
from app.einvoices.lifecycle import readiness
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.index_expressions import INCOMPLETE
from app.einvoices.models.work import EinvoiceTally
from app.einvoices.queries import lookup
from app.einvoices.queries.problems import PROBLEMS, literal_of
from app.einvoices.queries.search import BY_SCAN, resolve_identifiers
from app.einvoices.status import Status
from app.extensions import db
from app.kernel import json
from app.kernel.database.sequences import MAX_ID
from app.kernel.pagination.cursors import decode_cursor, encode_cursor
from app.kernel.pagination.keyset import MAX_COUNTED_ROWS, Order, load_rows
from app.kernel.pagination.walk import Count, Place, QuerySource, Walked

#: Name of the order in which what needs a person comes first.
BY_NEED = "need"
#: Hits of a search that are counted.
MAX_COUNTED_HITS = 1_000
#: A search is for rare words if fewer than ``RARE`` of the ``RECENT_EINVOICES`` newest e-invoices match.
RECENT_EINVOICES, RARE = 500, 5
#: Users that a page offers as a filter.
MAX_OWNERS = 200
_ORDERS: Mapping[str, Order] = {
    "created": Order((Einvoice.id,)),
    "changed": Order((Einvoice.updated_at, Einvoice.id)),
}
_OPTIONS = (joinedload(Einvoice.pdf), joinedload(Einvoice.provider_account))
#: Filters that choose what is shown; the order by need would say nothing more.
_CHOOSING = frozenset({"status", "attention", "in_doubt", "search", "updated_since"})


def source(filters: Mapping[str, Any], scope: Scope) -> QuerySource | ByNeed:
    """The e-invoices that match all ``filters``; without a filter of status or search in the order ``BY_NEED``."""
    chosen = resolve_identifiers(filters, lookup.scoped(scope))
    query, few = lookup.filtered(lookup.scoped(scope), chosen), False
    tallied = lookup.count_tallied(chosen, scope)
    known = None if tallied is None else Count(tallied)
    if chosen.get("search") and "resolved_ids" not in chosen:
        recent = _count_recent(query, scope)
        few = recent < RARE
        if not few:
            known = Count(recent, exact=False)
            query = lookup.filtered(lookup.scoped(scope), {**chosen, BY_SCAN: True})
    limit = MAX_COUNTED_HITS if chosen.get("search") else MAX_COUNTED_ROWS
    plain = QuerySource(query, _ORDERS, "-created", options=_OPTIONS, few=few, known=known, count_limit=limit)
    return plain if _CHOOSING & {name for name, value in filters.items() if value} else ByNeed(plain, _groups(scope))


def _count_recent(query: Select[Any], scope: Scope) -> int:
    """How many of the newest e-invoices within ``scope`` match.

    The index of words collects all hits of a common word before it answers with the first one. The planner has no
    statistics for beginnings of words.
    """
    newest = lookup.scoped(scope).with_only_columns(Einvoice.id).order_by(Einvoice.id.desc()).limit(RECENT_EINVOICES)
    # MATERIALIZED: the ids come first, and the search reads these rows instead of its index.
    ids = newest.cte("newest").prefix_with("MATERIALIZED")
    hits = query.where(Einvoice.id == ids.c.id).with_only_columns(func.count())
    return db.session.scalar(hits) or 0


def list_owners() -> Sequence[User]:
    """The users who have e-invoices, by name."""
    owners = select(EinvoiceTally.owner_id)
    query = select(User).where(User.id.in_(owners)).order_by(User.name, User.id)
    return list(db.session.scalars(query.limit(MAX_OWNERS)))


def names_of_owners(einvoices: Sequence[Einvoice]) -> Mapping[int, str]:
    """The names of the owners, by id."""
    ids = {einvoice.owner_id for einvoice in einvoices}
    return {row.id: row.name for row in db.session.execute(select(User.id, User.name).where(User.id.in_(ids)))}


def _groups(scope: Scope) -> list[ColumnElement[bool]]:
    """Conditions of the groups, of which each row belongs to one; the last one has what needs nobody."""
    incomplete: ColumnElement[bool] = literal_column(f"({INCOMPLETE})")
    conditions = [PROBLEMS[name]() for name in ("rejected", "in_doubt", "not_sent")] + [incomplete]
    if owners := readiness.owners_without_seller_data(scope):
        conditions.append(Einvoice.owner_id.in_(owners) & (Einvoice.status == literal_of(Status.DRAFT)))
    groups: list[ColumnElement[bool]] = []
    before: list[ColumnElement[bool]] = []
    for condition in [*conditions, true()]:
        rest: ColumnElement[bool] = true()
        for other in before:
            rest &= other.is_not(true())
        groups.append(condition & rest)
        before.append(condition)
    return groups


@dataclass(frozen=True, slots=True)
class ByNeed:
    """A source whose usual order goes through groups, newest first in each."""

    plain: QuerySource
    groups: Sequence[ColumnElement[bool]]
    default: str = BY_NEED

    @property
    def orders(self) -> Mapping[str, Order]:
        return self.plain.orders

    def count(self) -> Count:
        """The number of rows."""
        return self.plain.count()

    def page(self, sort: str, place: Place) -> Walked:
        """Raises ``Invalid`` if the cursor does not belong to this order."""
        if sort != BY_NEED:
            return self.plain.page(sort, place)
        if not place.before:
            rows, more = self._collect(_decoded(place.after), place.size, back=False)
            first = _encoded(rows[0]) if rows and place.after else None
            return Walked([row for _, row in rows], _encoded(rows[-1]) if more else None, first)
        rows, more = self._collect(_decoded(place.before), place.size, back=True)
        if not more:  # rows may be new there: the first page is shown as it is now
            return self.page(sort, Place(place.size))
        rows.reverse()
        return Walked([row for _, row in rows], _encoded(rows[-1]), _encoded(rows[0]))

    def _collect(
        self, start: tuple[int, int] | None, size: int, *, back: bool
    ) -> tuple[list[tuple[int, Einvoice]], bool]:
        """Rows with the numbers of their groups from a place on, and whether there are more."""
        order = Order((Einvoice.id,), descending=not back)
        numbers = range(len(self.groups))
        rows: list[tuple[int, Einvoice]] = []
        for number in reversed(numbers) if back else numbers:
            if start and (number > start[0] if back else number < start[0]):
                continue
            query = self._query(number, order, start)
            found, is_cut = load_rows(query, order, self.plain.options, (), limit=size + 1 - len(rows))
            rows += [(number, row) for row in found]
            if is_cut or len(rows) > size:
                return rows[:size], True
        return rows, False

    def _query(self, number: int, order: Order, start: tuple[int, int] | None) -> Select[Any]:
        query = self.plain.query.where(self.groups[number])
        return query.where(order.after([start[1]])) if start and number == start[0] else query


def _encoded(place: tuple[int, Einvoice]) -> str:
    return encode_cursor(json.encode([place[0], place[1].id]))


def _decoded(cursor: str) -> tuple[int, int] | None:
    def parse(values: bytes) -> tuple[int, int]:
        number, row_id = json.decode(values)
        if type(number) is not int or type(row_id) is not int or not 0 <= row_id <= MAX_ID:
            raise ValueError("another list's cursor")
        return number, row_id

    return decode_cursor(cursor, parse) if cursor else None


def missing_among(einvoices: Sequence[Einvoice]) -> Mapping[int, Sequence[str]]:
    """What each draft lacks for its issue, by id; drafts that lack nothing are left out."""
    drafts = [einvoice for einvoice in einvoices if einvoice.status == Status.DRAFT]
    lacking = {draft.id: readiness.find_missing(sellers.profile_of(draft.owner_id), draft) for draft in drafts}
    return {row_id: [each.message for each in missing] for row_id, missing in lacking.items() if missing}
