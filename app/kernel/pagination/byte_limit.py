"""Pages end before they are too large to answer: the database adds up the bytes of their rows before any is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, literal_column, select

from app.config import MIB
from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message

#: Bytes of the rows of a page; a page has at least one row. 100 invoices of 2,000 items would fill the process.
MAX_MIB = 16
#: Bytes of a row that its names of fields take in an answer.
_NAMES = 500


def fitting_rows(
    page: Select[Any], order: Sequence[Any], *, options: Sequence[Any] = (), parts: Sequence[Any] = ()
) -> tuple[list[Any], bool]:
    """The rows of ``page``, a query of one model that has an order and a limit, as far as they fit.

    The ids of the page are selected first, and its rows and their relations are joined after that. In a single query
    the planner would join all rows that may match, and read whole tables for a page of twenty.

    Args:
        order: the columns of ``page``'s ORDER BY, as they stand there; the model has an ``id``.
        parts: other models whose rows are answered as parts of this one; each is a chain of foreign keys, lowest first.

    Returns:
        the rows, and whether there are more of the page that do not fit.
    """
    model = page.column_descriptions[0]["entity"]
    ids = page.with_only_columns(model.id, maintain_column_froms=True).subquery("page")
    size = _bytes_of(model)
    for lowest, *above in parts:
        inner, key = select(func.sum(_bytes_of(lowest.class_))).select_from(lowest.class_), lowest
        for next_key in above:
            inner, key = inner.join(next_key.class_, key == next_key.class_.id), next_key
        size += func.coalesce(inner.where(key == model.id).scalar_subquery(), 0)
    before = func.sum(size).over(order_by=order) - size
    sized = select(model.id, before.label("before"), func.count().over().label("found")).join(ids, ids.c.id == model.id)
    fitting = sized.subquery("fitting")
    rows = select(model, fitting.c.found).join(fitting, fitting.c.id == model.id)
    rows = rows.where(fits(fitting.c.before)).order_by(*order).options(*options)
    found = db.session.execute(rows.execution_options(**page.get_execution_options())).unique().all()
    return [row for row, _ in found], bool(found) and len(found) < found[0].found


def require_whole(is_cut: bool, count: int, parameter: str) -> None:
    """Refuse a page by number that does not fit: the next page would skip what was left out.

    Raises:
        Invalid: at the query parameter that gives the size of the page.
    """
    if is_cut:
        text = N_("These %(count)s rows have more than %(n)s MiB. Use a smaller %(parameter)s.")
        raise Invalid({parameter: [Message(text, count=count, n=MAX_MIB, parameter=parameter)]})


def fits(before: ColumnElement[int]) -> ColumnElement[bool]:
    """Condition: with ``before`` bytes in front of it, a row still belongs to the page."""
    return before < MAX_MIB * MIB


def is_last_page(rows: Sequence[Any], limit: int) -> bool:
    """Whether ``rows`` of a query with a ``LIMIT`` are all that it asked for; each has the column ``found``."""
    return len(rows) < limit and (not rows or rows[0].found == len(rows))


def fitting_texts(position: Any, texts: Any) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Columns for a query of long texts: the bytes of those before each one, by ``position``, and how many there are.

    The database knows the length of a stored text without reading it.
    """
    size = func.octet_length(texts)
    return (func.sum(size).over(order_by=position) - size).label("before"), func.count().over().label("found")


def _bytes_of(model: Any) -> ColumnElement[int]:
    """The bytes of a row of ``model`` in an answer, roughly."""
    return func.octet_length(cast(literal_column(model.__tablename__), Text)) + _NAMES
