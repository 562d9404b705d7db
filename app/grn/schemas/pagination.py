"""Lists as this surface pages them: ``page`` from 0, ``pageSize``, ``sort=id,desc``, and a page object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields
from sqlalchemy import Select, func, select

from app.extensions import db
from app.grn.schemas.fields import Compact
from app.kernel.messages import N_, Message
from app.kernel.pagination.offset import LARGEST_PAGE, LAST_PAGE, PAGE_SIZE
from app.kernel.schemas.fields import HubField, Number, Schema

_BOUND = (
    "Only there, and true, where a search finds so much that it is not counted: `totalElements` and `totalPages` then "
    "say what is known to exist, which is more than this page ends with. Ask on while `number` + 1 < `totalPages`."
)

#: How each word of ``sort`` is called in the rows.
Sortable = Mapping[str, Any]


class Sort(HubField):
    """``field,asc`` or ``field,desc``; the direction may be left out."""

    def __init__(self, *names: str, **kwargs: Any) -> None:
        self.names = names
        description = f"One of {', '.join(names)}, with `,asc` or `,desc`."
        kwargs["metadata"] = {"type": "string", "default": "id,desc", "description": description}
        super().__init__(load_default=lambda: ("id", "desc"), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, str]:
        name, _, direction = str(value).partition(",")
        if name not in self.names or direction not in {"", "asc", "desc"}:
            raise ValidationError(
                Message(N_("Use one of %(choices)s, with ,asc or ,desc."), choices=", ".join(self.names))
            )
        return name, direction or "asc"


class PageQuery(Schema):
    """What every list takes."""

    page = Number(0, LAST_PAGE, load_default=0, metadata={"description": "From 0."})
    page_size = Number(1, LARGEST_PAGE, load_default=PAGE_SIZE, data_key="pageSize")


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and how many there are."""

    content: list[Any]
    total_elements: int
    number: int
    size: int
    #: True where there are more than were counted; never false, so that it is left out.
    total_is_lower_bound: bool | None = None

    @property
    def total_pages(self) -> int:
        return -(-self.total_elements // self.size)


def page_schema(item: type[Schema]) -> type[Schema]:
    """The page object around ``item``."""
    return type(
        item.__name__.removesuffix("Schema") + "GrnPageSchema",
        (Compact,),
        {
            "content": fields.List(fields.Nested(item)),
            "total_elements": fields.Integer(data_key="totalElements"),
            "total_pages": fields.Integer(data_key="totalPages"),
            "total_is_lower_bound": fields.Boolean(data_key="totalIsLowerBound", metadata={"description": _BOUND}),
            "number": fields.Integer(),
            "size": fields.Integer(),
        },
    )


def page_example(*content: Any) -> dict[str, Any]:
    return {"content": list(content), "totalElements": len(content), "totalPages": 1, "number": 0, "size": PAGE_SIZE}


def page_of(
    query: Select[Any], asked: Mapping[str, Any], order: tuple[Any, ...], *, options: tuple[Any, ...] = ()
) -> Page:
    """Cut one page of rows out of ``query``, in a stable ``order``."""
    total = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    rows = db.session.scalars(_cut(query, asked, order).options(*options))
    return Page(list(rows), total, asked["page"], asked["page_size"])


def page_uncounted(
    query: Select[Any], asked: Mapping[str, Any], order: tuple[Any, ...], *, options: tuple[Any, ...] = ()
) -> Page | None:
    """The same without counting; None where ``query`` has no row beyond the page to prove that it is not the last."""
    number, size = asked["page"], asked["page_size"]
    rows = list(db.session.scalars(_cut(query, asked, order, more=1).options(*options)))
    if len(rows) <= size:
        return None
    return Page(rows[:size], (number + 1) * size + 1, number, size, total_is_lower_bound=True)


def page_of_records(query: Select[Any], asked: Mapping[str, Any], order: tuple[Any, ...]) -> Page:
    """The same for a query of columns."""
    total = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    rows = db.session.execute(_cut(query, asked, order)).mappings()
    return Page(list(rows), total, asked["page"], asked["page_size"])


def ordered(asked: tuple[str, str], columns: Sortable) -> tuple[Any, ...]:
    """``asked`` as columns; the id breaks ties, so that no row is shown twice or left out."""
    name, direction = asked
    chosen = [columns[name]] if name == "id" else [columns[name], columns["id"]]
    return tuple(column.desc() if direction == "desc" else column.asc() for column in chosen)


def _cut(query: Select[Any], asked: Mapping[str, Any], order: tuple[Any, ...], more: int = 0) -> Select[Any]:
    size = asked["page_size"]
    return query.order_by(*order).limit(size + more).offset(asked["page"] * size)
