"""Ids that are drawn before their rows are stored, as bulk statements need them."""

from __future__ import annotations

from sqlalchemy import text

from app.extensions import db

# The sequence is looked up once, and not again for each number.
_DRAW = text(
    """
    SELECT nextval(sequence)
    FROM (SELECT CAST(pg_get_serial_sequence(:table, 'id') AS regclass) AS sequence OFFSET 0) AS found,
        generate_series(1, :count)
    """
)


def reserve_ids(table: str, count: int) -> list[int]:
    """``count`` ids of ``table`` that nobody else is given, ascending."""
    return sorted(db.session.scalars(_DRAW, {"table": table, "count": count}))
