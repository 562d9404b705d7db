"""Old events go, from the oldest on, and the log remembers up to where."""

from __future__ import annotations

import time
from datetime import datetime

from sqlalchemy import delete, select, update

from app.events.models import Event, EventHead
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work

#: Rows of one transaction, and seconds after which the rest waits for the next tick.
BATCH_SIZE, BUDGET = 1000, 10.0


def purge(before: datetime) -> int:
    """Delete the events of before a moment; returns how many went.

    Positions stay a line without gaps: nothing behind an event that is kept goes, whatever its clock said.
    """
    started, gone = time.monotonic(), 0
    while time.monotonic() - started < BUDGET:
        with unit_of_work():
            deleted = _purge_batch(before)
        gone += deleted
        if deleted < BATCH_SIZE:
            break
    return gone


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
    # Readers that look now see either both or neither.
    db.session.execute(update(EventHead).values(purged=last))
    deleted: int = db.session.execute(delete(Event).where(Event.position <= last)).rowcount
    return deleted
