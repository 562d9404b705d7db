"""Compaction of tallies: merges the rows that a database trigger inserts for every change."""

from __future__ import annotations

from sqlalchemy import func, select, text

from app.extensions import db
from app.kernel.unit_of_work import unit_of_work

#: Number of the advisory lock (unique in the hub): two compactions at once would count the same rows twice.
_LOCK = 5_170_462
_COMPACT = text(
    """
    WITH old AS (DELETE FROM e_invoice_tallies RETURNING *), merged AS (
        INSERT INTO e_invoice_tallies (owner_id, status, type, marketplace, amount)
        SELECT owner_id, status, type, marketplace, sum(amount) FROM old
        GROUP BY owner_id, status, type, marketplace HAVING sum(amount) <> 0
    )
    SELECT count(*) FROM old
    """
)


def compact() -> int:
    """Merge tallies of the same group; a concurrent reader sees either all old rows or all new rows."""
    with unit_of_work():
        if not db.session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))):
            return 0
        return int(db.session.scalar(_COMPACT))
