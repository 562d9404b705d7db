"""Pagination of this API: ``page`` from 0, ``pageSize``, ``sort=id,desc``, and the page object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields
from sqlalchemy import Select, func, select

from app.extensions import db
from app.grn.schemas.fields import OmitNulls
from app.kernel.messages import N_, Message
from app.kernel.pagination.byte_limit import fitting_rows, require_whole
from app.kernel.pagination.limits import MAX_PAGE_NUMBER, MAX_PAGE_SIZE, PAGE_SIZE
from app.kernel.schemas.fields import HubField, Number, Schema
from app.kernel.schemas.list_field import List

_LOWER_BOUND_TEXT = (
    "True if a search has so many hits that they are not counted; otherwise it is left out. `totalElements` and "
    "`totalPages` are then lower bounds, larger than the end of this page. Read on while `number` + 1 < `totalPages`."
)

#: Name in ``sort`` to the column of the model.
SortColumns = Mapping[str, Any]


class Sort(HubField):
    """``field,asc`` or ``field,desc``; the direction may be left out."""

    def __init__(self, *names: str, **kwargs: Any) -> None:
        self.names = names
        description = f"One of {', '.join(names)}, with `,asc` or `,desc`."
        choices = [name + direction for name in names for direction in ("", ",asc", ",desc")]
        kwargs["metadata"] = {"type": "string", "enum": choices, "default": "id,desc", "description": description}
        super().__init__(load_default=lambda: ("id", "desc"), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, str]:
        name, _, direction = str(value).partition(",")
        if name not in self.names or direction not in {"", "asc", "desc"}:
            raise ValidationError(
                Message(N_("Use one of %(choices)s, with ,asc or ,desc."), choices=", ".join(self.names))
            )
        return name, direction or "asc"


class PageQuery(Schema):
    """Query parameters of every list."""

    page = Number(0, MAX_PAGE_NUMBER, load_default=0, metadata={"description": "From 0."})
    page_size = Number(1, MAX_PAGE_SIZE, load_default=PAGE_SIZE, data_key="pageSize")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list with the number of all elements."""

    content: list[Any]
    total_elements: int
    number: int
    size: int
    #: True if ``total_elements`` is a lower bound, otherwise None: null fields are left out of answers.
    total_is_lower_bound: bool | None = None

    @property
    def total_pages(self) -> int:
        return -(-self.total_elements // self.size)


def page_schema(item: type[Schema]) -> type[Schema]:
    """Build the schema of a page of ``item``."""
    return type(
        item.__name__.removesuffix("Schema") + "GrnPageSchema",
        (OmitNulls,),
        {
            "content": List(fields.Nested(item)),
            "total_elements": fields.Integer(data_key="totalElements"),
            "total_pages": fields.Integer(data_key="totalPages"),
            "total_is_lower_bound": fields.Boolean(
                data_key="totalIsLowerBound", metadata={"description": _LOWER_BOUND_TEXT}
            ),
            "number": fields.Integer(),
            "size": fields.Integer(),
            "never_null": frozenset({"content", "total_elements", "total_pages", "number", "size"}),
        },
    )


def page_example(*content: Any) -> dict[str, Any]:
    return {"content": list(content), "totalElements": len(content), "totalPages": 1, "number": 0, "size": PAGE_SIZE}


def paginate(
    query: Select[Any],
    paging: Mapping[str, Any],
    order: tuple[Any, ...],
    *,
    options: tuple[Any, ...] = (),
    parts: tuple[Any, ...] = (),
) -> Page:
    """Return one page of the rows of ``query``; ``order`` must be unambiguous. For ``parts`` see ``fitting_rows``.

    Raises:
        Invalid: the rows of the page are too large together.
    """
    total = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    rows = _fitting(_slice(query, paging, order), paging, order, options, parts)
    return Page(rows, total, paging["page"], paging["page_size"])


def paginate_uncounted(
    query: Select[Any],
    paging: Mapping[str, Any],
    order: tuple[Any, ...],
    *,
    options: tuple[Any, ...] = (),
    parts: tuple[Any, ...] = (),
) -> Page | None:
    """Return one page without a count, with a lower bound as the total.

    None if ``query`` has no row after the page: then there is no lower bound that is larger than the page.

    Raises:
        Invalid: the rows of the page are too large together.
    """
    number, size = paging["page"], paging["page_size"]
    rows = _fitting(_slice(query, paging, order, extra=1), paging, order, options, parts)
    if len(rows) <= size:
        return None
    return Page(rows[:size], (number + 1) * size + 1, number, size, total_is_lower_bound=True)


def _fitting(
    page: Select[Any],
    paging: Mapping[str, Any],
    order: tuple[Any, ...],
    options: tuple[Any, ...],
    parts: tuple[Any, ...],
) -> list[Any]:
    rows, is_cut = fitting_rows(page, order, options=options, parts=parts)
    require_whole(is_cut and len(rows) < paging["page_size"], paging["page_size"], "pageSize")
    return rows


def paginate_records(query: Select[Any], paging: Mapping[str, Any], order: tuple[Any, ...]) -> Page:
    """Return one page of a query that selects columns instead of a model."""
    total = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    rows = db.session.execute(_slice(query, paging, order)).mappings()
    return Page(list(rows), total, paging["page"], paging["page_size"])


def order_columns(sort: tuple[str, str], columns: SortColumns) -> tuple[Any, ...]:
    """Return the ORDER BY columns of ``sort``; the id makes the order unambiguous."""
    name, direction = sort
    chosen = [columns[name]] if name == "id" else [columns[name], columns["id"]]
    return tuple(column.desc() if direction == "desc" else column.asc() for column in chosen)


def _slice(query: Select[Any], paging: Mapping[str, Any], order: tuple[Any, ...], extra: int = 0) -> Select[Any]:
    size = paging["page_size"]
    return query.order_by(*order).limit(size + extra).offset(paging["page"] * size)
