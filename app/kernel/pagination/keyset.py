"""Pagination of lists with millions of rows: keyset cursors (a page begins after the last row seen), limited counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow.fields import Boolean, Integer, Nested, String
from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, func, literal, select, tuple_

from app.extensions import db
from app.kernel import clock, json
from app.kernel.database import replica
from app.kernel.database.sequences import MAX_ID
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message
from app.kernel.pagination.byte_limit import fitting_rows, require_whole
from app.kernel.pagination.cursors import decode_cursor, encode_cursor
from app.kernel.pagination.limits import MAX_PAGE_SIZE, PAGE_SIZE
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Cursor, Schema
from app.kernel.schemas.list_field import List

#: Rows that are counted exactly and that page numbers reach. Beyond it the planner's estimate and cursors serve.
MAX_COUNTED_ROWS = 10_000


class KeysetQuery(Schema):
    """``cursor`` (empty for the first page) reads a list of any length without gaps or repeats."""

    page_size = Integer(load_default=PAGE_SIZE, validate=validators.Range(1, MAX_PAGE_SIZE))
    cursor = Cursor(load_default="", metadata={"description": "Empty for the first page, then what `next` carries."})


class LargePageQuery(KeysetQuery):
    """``page`` for the first 10,000 rows, ``cursor`` for all rows."""

    page = Integer(load_default=1, validate=validators.Range(1, MAX_COUNTED_ROWS), metadata={"description": "From 1."})
    cursor = Cursor(
        load_default=None,
        metadata={"description": "Keyset paging: empty for the first page, then what `next` carries."},
    )


@dataclass(frozen=True, slots=True)
class Order:
    """Sort order of a list; the last column is unique.

    ``unindexed`` sorts the rows found instead of reading an index in this order. Use it where the conditions match few
    rows and the planner cannot know that.
    """

    columns: tuple[Any, ...]
    descending: bool = False
    unindexed: bool = False

    def keys(self) -> list[Any]:
        """The columns for ``ORDER BY``."""
        columns = [_changed(column) for column in self.columns] if self.unindexed else self.columns
        return [column.desc() if self.descending else column.asc() for column in columns]

    def apply(self, query: Select[Any]) -> Select[Any]:
        return query.order_by(*self.keys())

    def after(self, values: list[Any]) -> ColumnElement[bool]:
        """Condition: the row comes after the one with these ``values``."""
        row = tuple_(*self.columns)
        last = tuple_(*(literal(v, c.type) for v, c in zip(values, self.columns, strict=True)))
        return row < last if self.descending else row > last


@dataclass(frozen=True, slots=True)
class Page:
    """One page; ``count_exact`` is false when ``count`` is the planner's estimate of more than 10,000."""

    results: list[Any]
    next: str | None
    previous: str | None = None
    count: int | None = None
    count_exact: bool = True


@cache
def keyset_page_schema(item: type[Schema]) -> type[Schema]:
    """Schema of a page of ``item``."""
    estimate = {"description": "False when `count` is an estimate: only the first 10,000 are counted."}
    return type(
        item.__name__.removesuffix("Schema") + "PageSchema",
        (Schema,),
        {
            "count": Integer(allow_none=True, metadata={"description": "Null when paging by cursor."}),
            "count_exact": Boolean(metadata=estimate),
            "next": String(allow_none=True, metadata={"description": "Path and query of the next page."}),
            "previous": String(allow_none=True),
            "results": List(Nested(item)),
        },
    )


@replica.reading_lists()
def page_by_keyset(
    query: Select[Any],
    order: Order,
    paging: Mapping[str, Any],
    *,
    options: tuple[Any, ...] = (),
    parts: tuple[Any, ...] = (),
) -> Page:
    """The page after the cursor; its cost does not depend on its position in the list.

    It has fewer rows than ``page_size`` where these would be too large together; for ``parts`` see ``fitting_rows``.

    Raises:
        Invalid: the cursor does not belong to this list.
    """
    if paging["cursor"]:
        query = query.where(order.after(decode_row(paging["cursor"], order)))
    size = paging["page_size"]
    rows, is_cut = load_rows(query, order, options, parts, limit=size + 1)
    shown = rows[:size]
    more = is_cut or len(rows) > size
    return Page(shown, _link(cursor=encode_row(shown[-1], order), page_size=size) if more else None)


@replica.reading_lists()
def large_page(
    query: Select[Any],
    order: Order,
    paging: Mapping[str, Any],
    *,
    options: tuple[Any, ...] = (),
    parts: tuple[Any, ...] = (),
) -> Page:
    """A page by cursor if one was sent, otherwise by page number with a count.

    Raises:
        Invalid: the cursor does not belong to this list, the page is beyond ``MAX_COUNTED_ROWS``, or it is too large.
    """
    if paging["cursor"] is not None:
        return page_by_keyset(query, order, paging, options=options, parts=parts)
    number, size = paging["page"], paging["page_size"]
    if number * size > MAX_COUNTED_ROWS:
        raise Invalid(
            {
                "page": [
                    Message(
                        N_("Page numbers reach the first %(n)s rows; walk further with cursor."), n=MAX_COUNTED_ROWS
                    )
                ]
            }
        )
    rows, is_cut = load_rows(query, order, options, parts, limit=size + 1, offset=(number - 1) * size)
    require_whole(is_cut and len(rows) < size, size, "page_size")
    more = is_cut or len(rows) > size
    last_page = not more and (rows or number == 1)
    count, exact = ((number - 1) * size + len(rows), True) if last_page else count_rows(query)
    next_link = _link(page=number + 1, page_size=size) if more else None
    return Page(rows[:size], next_link, _link(page=number - 1, page_size=size) if number > 1 else None, count, exact)


@replica.reading_lists()
def count_rows(query: Select[Any]) -> tuple[int, bool]:
    """Number of rows and whether it is exact; beyond 10,000 it is the planner's estimate."""
    plain = query.order_by(None).with_only_columns(literal(1), maintain_column_froms=True)
    count: int = db.session.scalar(select(func.count()).select_from(plain.limit(MAX_COUNTED_ROWS + 1).subquery())) or 0
    return (count, True) if count <= MAX_COUNTED_ROWS else (max(count, _estimated(plain)), False)


def _estimated(query: Select[Any]) -> int:
    statement = query.compile(dialect=db.engine.dialect, compile_kwargs={"render_postcompile": True})
    plan = db.session.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", statement.params).scalar()
    return int(plan[0]["Plan"]["Plan Rows"])


def _changed(column: Any) -> Any:
    """The same value as an expression, which no index has."""
    neutral: Any = {str: "", datetime: timedelta()}.get(column.type.python_type, 0)
    return column + literal(neutral)


def load_rows(
    query: Select[Any], order: Order, options: tuple[Any, ...], parts: tuple[Any, ...], *, limit: int, offset: int = 0
) -> tuple[list[Any], bool]:
    """The rows of a page that fit, and whether some do not; the ``LIMIT`` is a literal, for the planner."""
    page = order.apply(query).limit(bindparam(None, limit, BigInteger, literal_execute=True)).offset(offset or None)
    return fitting_rows(page, order.keys(), options=options, parts=parts)


def _link(**parameters: Any) -> str:
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in {"page", *parameters}]
    return f"{request.path}?{urlencode([*kept, *parameters.items()])}"


def encode_row(row: Any, order: Order) -> str:
    """The cursor of a row."""
    values = [getattr(row, column.key) for column in order.columns]
    plain = [_plain(value) for value in values]
    return encode_cursor(json.encode(plain))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.iso(value)
    return value.isoformat() if isinstance(value, date) else value


def decode_row(cursor: str, order: Order) -> list[Any]:
    """The values of the columns of ``order`` in a cursor.

    Raises:
        Invalid: the cursor does not belong to a list in this order.
    """

    def parse(values: bytes) -> list[Any]:
        return [_typed(value, column) for value, column in zip(json.decode(values), order.columns, strict=True)]

    return decode_cursor(cursor, parse)


def _typed(value: Any, column: Any) -> Any:
    kind = column.type.python_type
    if kind in {datetime, date} and isinstance(value, str):
        return kind.fromisoformat(value)
    unstorable = (kind is int and not -MAX_ID <= value <= MAX_ID) or (kind is str and "\0" in value)
    if type(value) is not kind or unstorable:
        raise ValueError("another list's cursor")
    return value
