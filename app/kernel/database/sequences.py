"""Ids of rows: as texts, and reserved before their rows are stored, as bulk inserts need them."""

from __future__ import annotations

from sqlalchemy import text

from app.extensions import db

#: The largest ``bigint``.
MAX_ID = 2**63 - 1

# The sequence is looked up once, and not again for each number.
_RESERVE_SQL = text(
    """
    SELECT nextval(sequence)
    FROM (SELECT CAST(pg_get_serial_sequence(:table, 'id') AS regclass) AS sequence OFFSET 0) AS found,
        generate_series(1, :count)
    """
)


def read_id(text: str) -> int | None:
    """The id that ``text`` is; None if no row can have it.

    The length is checked first: Python refuses to read a number of more than 4,300 digits.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID))
    return int(text) if is_number and 0 < int(text) <= MAX_ID else None


def reserve_ids(table: str, count: int) -> list[int]:
    """Take ``count`` ids of ``table`` from its sequence, in ascending order."""
    return sorted(db.session.scalars(_RESERVE_SQL, {"table": table, "count": count}))
