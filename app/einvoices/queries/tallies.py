"""Keeps the sums behind a list's total few; the database's trigger writes a row for every change."""

from __future__ import annotations

from sqlalchemy import func, select, text

from app.extensions import db
from app.kernel.unit_of_work import unit_of_work

#: Any number that nothing else locks: two at once would add the same up twice.
_LOCK = 5_170_462
_COMPACT = text(
    """
    WITH gone AS (DELETE FROM e_invoice_tallies RETURNING *), kept AS (
        INSERT INTO e_invoice_tallies (owner_id, status, type, marketplace, amount)
        SELECT owner_id, status, type, marketplace, sum(amount) FROM gone
        GROUP BY owner_id, status, type, marketplace HAVING sum(amount) <> 0
    )
    SELECT count(*) FROM gone
    """
)


def compact() -> int:
    """Add up what belongs together; a reader meanwhile sees all of the old rows or all of the new."""
    with unit_of_work():
        if not db.session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))):
            return 0
        return int(db.session.scalar(_COMPACT))
