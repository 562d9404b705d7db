"""Retention of events: deletes old events in order of position and stores the last deleted position."""

from __future__ import annotations

import time
from datetime import datetime

from sqlalchemy import delete, select, update

from app.events.models import Event, EventHead
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work

#: Rows per transaction, and seconds after which the rest waits for the next run.
BATCH_SIZE, BUDGET = 1000, 10.0


def purge(before: datetime) -> int:
    """Delete events created before ``before``; returns their number.

    The kept positions have no gaps: deletion stops at the first event that is kept, even if later ones are older.
    """
    started, total = time.monotonic(), 0
    while time.monotonic() - started < BUDGET:
        with unit_of_work():
            deleted = _purge_batch(before)
        total += deleted
        if deleted < BATCH_SIZE:
            break
    return total


def _purge_batch(before: datetime) -> int:
    purged = db.session.scalar(select(EventHead.purged)) or 0
    oldest = select(Event.position, Event.created_at).where(Event.position > purged).order_by(Event.position)
    last = purged
    for position, created_at in db.session.execute(oldest.limit(BATCH_SIZE)):
        if created_at >= before:
            break
        last = position
    if last == purged:
        return 0
    # In one transaction: a reader sees both changes or neither.
    db.session.execute(update(EventHead).values(purged=last))
    deleted: int = db.session.execute(delete(Event).where(Event.position <= last)).rowcount
    return deleted
