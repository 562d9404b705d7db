"""A list in one request: its page, its order and its links, from the address; or the whole list as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import marshmallow
from flask import render_template, request
from werkzeug.wrappers import Response

from app.admin.list_query import Filters, link, parse_filters
from app.admin.lists import list_file
from app.admin.lists.columns import Column, Details, ListTable
from app.admin.viewer import viewer
from app.kernel.pagination.limits import MAX_PAGE_SIZE, PAGE_SIZE
from app.kernel.pagination.walk import REVERSED, Count, Place, Source, Walked
from app.kernel.schemas.fields import Choice, Cursor, Schema

PAGE_SIZES = (PAGE_SIZE, 50, MAX_PAGE_SIZE)
#: Parameters of the address that say where the page begins: other filters begin with the first page.
_POSITION: dict[str, None] = {"after": None, "before": None, "cursor": None, "page": None}
_OWN = (*_POSITION, "sort", "page_size", "format")


@dataclass(frozen=True, slots=True)
class Step:
    """A step that can be taken with the chosen rows of a list.

    Args:
        url: where the chosen rows are sent.
        text: label of its button.
        symbol: icon of its button.
        question: asked once before it; empty: it changes nothing, and answers with a file.
    """

    url: str
    text: str
    symbol: str
    question: str = ""
    explain: str = ""


@dataclass(frozen=True, slots=True)
class ListView:
    """A page of a list as its template shows it."""

    table: ListTable
    columns: list[Column]
    walked: Walked
    count: Count
    sort: str
    size: int
    filters: Filters
    steps: Sequence[Step] = ()

    @property
    def rows(self) -> list[Any]:
        return self.walked.rows

    @property
    def is_filtered(self) -> bool:
        """Whether the address has a filter."""
        return any(value for name, value in request.args.items() if name not in _OWN)

    @property
    def next_url(self) -> str | None:
        return link(**{**_POSITION, "after": self.walked.next}) if self.walked.next else None

    @property
    def previous_url(self) -> str | None:
        return link(**{**_POSITION, "before": self.walked.previous}) if self.walked.previous else None

    @property
    def first_url(self) -> str | None:
        """The first page, for one that is not the first."""
        return link(**_POSITION) if request.args.get("after") or request.args.get("before") else None

    @property
    def file_url(self) -> str:
        return link(**{**_POSITION, "format": "csv"})

    @property
    def here(self) -> str:
        """The address of this page."""
        return request.full_path.rstrip("?")

    @property
    def sizes(self) -> Sequence[int]:
        return PAGE_SIZES

    def name_of(self, row: Any) -> Any:
        """The value of the first column, which names a row."""
        return self.table.columns[0].text(row, {})

    def size_url(self, size: int) -> str:
        return link(**{**_POSITION, "page_size": size})

    def sort_url(self, column: Column) -> str:
        """The list sorted by a column; in the other direction if it is sorted by it."""
        return link(**{**_POSITION, "sort": _turned(column.sort) if self.sort == column.sort else column.sort})

    def direction(self, column: Column) -> str:
        """``ascending`` or ``descending`` if the list is sorted by a column, else empty."""
        if not column.sort or self.sort not in {column.sort, _turned(column.sort)}:
            return ""
        return "descending" if self.sort.startswith(REVERSED) else "ascending"

    def shows(self, name: str) -> bool:
        """Whether a column is shown."""
        return any(column.name == name for column in self.columns)


def show_list(
    template: str,
    table: ListTable,
    source: Source,
    filters: Filters,
    *,
    details: Callable[[Sequence[Any]], Details] = lambda _rows: {},
    steps: Sequence[Step] = (),
    **context: Any,
) -> str | Response:
    """The page of a list, or with ``?format=csv`` the filtered list as a file.

    Args:
        details: what a page of rows needs besides the rows; the template gets it too.

    Raises:
        Invalid: the cursor in the address does not belong to this list and order.
    """
    place = parse_filters(_place_schema(table, source))
    sort, size = place.values["sort"], int(place.values["page_size"])
    if request.args.get("format") == "csv":
        return list_file.answer(table, source, sort, details)
    walked = source.page(sort, Place(size, place.values["after"], place.values["before"]))
    view = ListView(
        table,
        table.chosen(_stored_choice(table)),
        walked,
        _count(source, walked, place.values),
        sort,
        size,
        Filters(filters.values, filters.raw, filters.errors + place.errors),
        steps,
    )
    return render_template(template, view=view, filters=view.filters, **details(walked.rows), **context)


def _place_schema(table: ListTable, source: Source) -> marshmallow.Schema:
    sorts = {sort for column in table.columns if column.sort for sort in (column.sort, _turned(column.sort))}
    schema = Schema.from_dict(
        {
            "sort": Choice(*sorted({*sorts, source.default}), load_default=source.default),
            "page_size": Choice(*map(str, PAGE_SIZES), load_default=str(PAGE_SIZE)),
            "after": Cursor(load_default=""),
            "before": Cursor(load_default=""),
        }
    )
    return schema()


def _count(source: Source, walked: Walked, place: dict[str, Any]) -> Count:
    is_whole = not (walked.next or walked.previous or place["after"] or place["before"])
    return Count(len(walked.rows)) if is_whole else source.count()


def _stored_choice(table: ListTable) -> Sequence[str] | None:
    known = viewer()
    return known.list_columns.get(table.name) if known else None


def _turned(sort: str) -> str:
    return sort.removeprefix(REVERSED) if sort.startswith(REVERSED) else REVERSED + sort
