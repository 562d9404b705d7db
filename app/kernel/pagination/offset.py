"""Bounded lists: page numbers for people, keyset cursors for machines that walk everything."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow.fields import Integer, List, Nested, String
from sqlalchemy import Select, func, select

from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.messages import N_
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Schema

PAGE_SIZE = 20
LARGEST_PAGE = 100
LAST_PAGE = 100_000


class PageQuery(Schema):
    """``page`` and ``page_size``, or ``cursor`` (empty to begin) to walk a large set without gaps."""

    page = Integer(load_default=1, validate=validators.Range(1, LAST_PAGE), metadata={"description": "From 1."})
    page_size = Integer(load_default=PAGE_SIZE, validate=validators.Range(1, LARGEST_PAGE))
    cursor = String(
        load_default=None,
        metadata={"description": "Keyset paging: empty for the first page, then what `next` carries."},
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One page in the envelope ``{count, next, previous, results}``; with a cursor nothing is counted."""

    results: list[Any]
    count: int | None
    next: str | None
    previous: str | None


def page_schema(item: type[Schema]) -> type[Schema]:
    """The envelope of a list of ``item``."""
    return type(
        item.__name__.removesuffix("Schema") + "PageSchema",
        (Schema,),
        {
            "count": Integer(allow_none=True, metadata={"description": "Null when paging by cursor."}),
            "next": String(allow_none=True, metadata={"description": "Path and query of the next page."}),
            "previous": String(allow_none=True),
            "results": List(Nested(item)),
        },
    )


def paginate(query: Select[Any], key: Any, paging: dict[str, Any], *, options: tuple[Any, ...] = ()) -> Page:
    """Cut one page out of ``query``, newest (highest ``key``) first.

    Raises:
        Invalid: the cursor was not made by us.
    """
    if paging["cursor"] is not None:
        return _by_cursor(query, key, paging, options)
    return _by_number(query, key, paging, options)


def _by_cursor(query: Select[Any], key: Any, paging: dict[str, Any], options: tuple[Any, ...]) -> Page:
    if paging["cursor"]:
        query = query.where(key < _decoded(paging["cursor"]))
    size = paging["page_size"]
    rows = _rows(query.order_by(key.desc()).limit(size + 1), options)
    more = len(rows) > size
    following = _link(cursor=_encoded(getattr(rows[size - 1], key.key)), page_size=size) if more else None
    return Page(rows[:size], None, following, None)


def _by_number(query: Select[Any], key: Any, paging: dict[str, Any], options: tuple[Any, ...]) -> Page:
    number, size = paging["page"], paging["page_size"]
    count = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    rows = _rows(query.order_by(key.desc()).limit(size).offset((number - 1) * size), options)
    following = _link(page=number + 1, page_size=size) if number * size < count else None
    return Page(rows, count, following, _link(page=number - 1, page_size=size) if number > 1 else None)


def _rows(query: Select[Any], options: tuple[Any, ...]) -> list[Any]:
    return list(db.session.scalars(query.options(*options)).unique())


def _link(**changes: Any) -> str:
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in {"page", *changes}]
    return f"{request.path}?{urlencode([*kept, *changes.items()])}"


def _encoded(key: int) -> str:
    return base64.urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def _decoded(cursor: str) -> int:
    try:
        key = int(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise Invalid({"cursor": [N_("Not a cursor of this list.")]}) from error
    if not 0 < key < 2**63:
        raise Invalid({"cursor": [N_("Not a cursor of this list.")]})
    return key
