"""Pages of a list that is walked in both directions and sorted by a chosen column, with a count of limited cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy import Select, func, literal, select

from app.extensions import db
from app.kernel.database import replica
from app.kernel.pagination.keyset import MAX_COUNTED_ROWS, Order, decode_row, encode_row, load_rows

#: The sign before the name of an order that reverses it.
REVERSED = "-"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins and how long it is: after a row, or before one, or (both empty) at the beginning."""

    size: int
    after: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Walked:
    """A page with the cursors of its last row (``next``) and its first row (``previous``), if rows follow there."""

    rows: list[Any]
    next: str | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Number of the rows of a list; if it is not ``exact``, there are more."""

    number: int
    exact: bool = True


class Source(Protocol):
    """Rows of a list: what a service hands to a page."""

    @property
    def orders(self) -> Mapping[str, Order]:
        """Names of the orders that an index supports."""

    @property
    def default(self) -> str:
        """The name of the usual order, with ``REVERSED`` before it if the order is reversed."""

    def page(self, sort: str, place: Place) -> Walked:
        """A page; ``sort`` is the name of an order like ``default``."""

    def count(self) -> Count:
        """The number of rows."""


@dataclass(frozen=True, slots=True)
class QuerySource:
    """Rows of a query of one model.

    Args:
        few: the conditions match few rows, and the planner cannot know it; the rows found are sorted.
        known: the count, where it is known more cheaply.
        count_limit: up to this number the rows are counted.
        options, parts: see ``fitting_rows``.
    """

    query: Select[Any]
    orders: Mapping[str, Order]
    default: str
    options: tuple[Any, ...] = ()
    parts: tuple[Any, ...] = ()
    few: bool = False
    known: Count | None = None
    count_limit: int = MAX_COUNTED_ROWS

    def page(self, sort: str, place: Place) -> Walked:
        """Raises ``Invalid`` if the cursor does not belong to this order."""
        return walk(self.query, self._order(sort), place, Loaded(self.options, self.parts))

    def count(self) -> Count:
        """The number of rows, exact up to ``count_limit``."""
        return self.known or count_up_to(self.query, self.count_limit)

    def _order(self, sort: str) -> Order:
        order = self.orders[sort.removeprefix(REVERSED)]
        is_reversed = sort.startswith(REVERSED)
        return replace(order, descending=order.descending != is_reversed, unindexed=self.few)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is loaded with each row; see ``fitting_rows``."""

    options: tuple[Any, ...] = ()
    parts: tuple[Any, ...] = ()


@replica.reading_lists()
def walk(query: Select[Any], order: Order, place: Place, loaded: Loaded) -> Walked:
    """The page at ``place``; its cost does not depend on its position in the list.

    Raises:
        Invalid: the cursor does not belong to this order.
    """
    if not place.before:
        rows, more = rows_after(query, order, Place(place.size, place.after), loaded)
        first = encode_row(rows[0], order) if rows and place.after else None
        return Walked(rows, encode_row(rows[-1], order) if more else None, first)
    back = replace(order, descending=not order.descending)
    rows, more = rows_after(query, back, Place(place.size, place.before), loaded)
    if not more:  # rows may be new there: the first page is shown as it is now
        return walk(query, order, Place(place.size), loaded)
    rows.reverse()
    return Walked(rows, encode_row(rows[-1], order), encode_row(rows[0], order))


@replica.reading_lists()
def rows_after(query: Select[Any], order: Order, place: Place, loaded: Loaded) -> tuple[list[Any], bool]:
    """The rows after a cursor, and whether there are more."""
    if place.after:
        query = query.where(order.after(decode_row(place.after, order)))
    rows, is_cut = load_rows(query, order, loaded.options, loaded.parts, limit=place.size + 1)
    return rows[: place.size], is_cut or len(rows) > place.size


@replica.reading_lists()
def count_up_to(query: Select[Any], limit: int) -> Count:
    """The number of rows of ``query``, exact up to ``limit``."""
    plain = query.order_by(None).with_only_columns(literal(1), maintain_column_froms=True)
    found: int = db.session.scalar(select(func.count()).select_from(plain.limit(limit + 1).subquery())) or 0
    return Count(min(found, limit), found <= limit)
