"""Gaps in a series of invoice numbers: numbers that the ERP used and that never arrived."""

from __future__ import annotations

from typing import Any

from sqlalchemy import distinct, func, select, text

from app.extensions import db
from app.kernel.identifiers import clean_beginning
from app.sales.models.invoices import SalesInvoice

#: Limits of one report: numbers and gaps.
MAX_NUMBERS, MAX_GAPS = 100_000, 1_000

#: Series that a page offers.
MAX_SERIES = 100

_number = SalesInvoice.number_value
#: The series in their order; each step reads one entry of the index.
_SERIES = text(
    """
    WITH RECURSIVE series AS (
        SELECT min(number_prefix) AS prefix FROM sales_invoices
        UNION ALL
        SELECT (SELECT min(number_prefix) FROM sales_invoices WHERE number_prefix > series.prefix)
        FROM series WHERE series.prefix IS NOT NULL
    )
    SELECT prefix FROM series WHERE prefix IS NOT NULL LIMIT :limit
    """
)


def list_series() -> list[str]:
    """The first series, by what stands before their digits."""
    return list(db.session.scalars(_SERIES, {"limit": MAX_SERIES}))


def report(prefix: str, *, first: int | None, last: int | None) -> dict[str, Any]:
    """Present and missing numbers between ``first`` and ``last``, by default all from the first stored one on."""
    prefix = clean_beginning(prefix)
    lowest, highest = _ends(prefix)
    begin = first if first is not None else lowest
    end = last if last is not None else highest
    if begin is None or end is None or begin > end:
        return _report(prefix, first, last, present=0, gaps=[], following=None)
    reached = min(end, begin + MAX_NUMBERS - 1)
    within = (SalesInvoice.number_prefix == prefix, _number.between(begin, reached))
    present = db.session.scalar(select(func.count(distinct(_number))).where(*within)) or 0
    gaps = _gaps(within, begin, reached)
    if len(gaps) > MAX_GAPS:
        reached = gaps[MAX_GAPS]["first"] - 1
        gaps = gaps[:MAX_GAPS]
        present = reached - begin + 1 - sum(gap["count"] for gap in gaps)
    following = reached + 1 if reached < end else None
    return _report(prefix, begin, reached, present=present, gaps=gaps, following=following)


def _ends(prefix: str) -> tuple[int | None, int | None]:
    row = db.session.execute(
        select(func.min(_number), func.max(_number)).where(SalesInvoice.number_prefix == prefix)
    ).one()
    return row[0], row[1]


def _gaps(within: tuple[Any, ...], begin: int, end: int) -> list[dict[str, int]]:
    """The missing numbers between stored numbers and at both ends."""
    before = func.lag(_number, 1, begin - 1).over(order_by=_number)
    jumps = select(_number.label("number"), before.label("before")).where(*within).subquery()
    rows = db.session.execute(
        select(jumps.c.before + 1, jumps.c.number - 1)
        .where(jumps.c.number > jumps.c.before + 1)
        .order_by(jumps.c.number)
        .limit(MAX_GAPS + 1)
    ).all()
    gaps = [_gap(first, last) for first, last in rows]
    newest = db.session.scalar(select(func.max(_number)).where(*within))
    behind = begin if newest is None else newest + 1
    return [*gaps, _gap(behind, end)] if behind <= end else gaps


def _gap(first: int, last: int) -> dict[str, int]:
    return {"first": first, "last": last, "count": last - first + 1}


def _report(
    prefix: str, first: int | None, last: int | None, *, present: int, gaps: list[dict[str, int]], following: int | None
) -> dict[str, Any]:
    missing = sum(gap["count"] for gap in gaps)
    return {
        "prefix": prefix,
        "first": first,
        "last": last,
        "present": present,
        "missing": missing,
        "gaps": gaps,
        "next_first": following,
    }
