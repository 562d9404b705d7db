"""Retention of events: removes old events in order of position and stores the last removed position.

A month is removed as a whole, when its newest event has expired. The first partition, which holds the events from
before the months, loses its expired rows in batches.
"""

from __future__ import annotations

import time
from datetime import datetime

from sqlalchemy import column, delete, exists, func, select, table, update

from app.events.models import Event, EventHead
from app.extensions import db
from app.kernel.database import month_partitions
from app.kernel.database.month_partitions import Partition
from app.kernel.unit_of_work import unit_of_work

#: Rows per transaction, and seconds after which the rest waits for the next run.
BATCH_SIZE, BUDGET = 1000, 10.0


def purge(before: datetime) -> int:
    """Remove events created before ``before``; returns their number.

    The kept positions have no gaps: removal stops at the first event that is kept, even if later ones are older.
    """
    with unit_of_work():
        purged = _purged_position()
    month_partitions.drop_expired(Event.__tablename__, before, lambda partition: _drop(partition, before))
    with unit_of_work():
        first_ids_end = month_partitions.first_upper(Event.__tablename__)
    started = time.monotonic()
    while first_ids_end and time.monotonic() - started < BUDGET:
        with unit_of_work():
            if not _purge_batch(before, first_ids_end):
                break
    with unit_of_work():
        return _purged_position() - purged


def _purged_position() -> int:
    return db.session.scalar(select(EventHead.purged)) or 0


def _lock_head() -> None:
    """Let no other purge move the last removed position; locked before the table, as the relay does."""
    db.session.execute(select(EventHead.purged).with_for_update())


def _drop(partition: Partition, before: datetime) -> bool:
    """Drop a partition; False while an event of it has no position, or a fresh event comes before its last.

    Positions follow the order of commits, so around the end of a month a few are in the partition after it.
    """
    _lock_head()
    rows = table(partition.name, column("position"))
    if db.session.scalar(select(exists().where(rows.c.position.is_(None)))):
        return False
    last = db.session.scalar(select(func.max(rows.c.position)))
    if last is not None:
        early = (Event.position <= last, Event.id >= partition.upper)
        if db.session.scalar(select(exists().where(*early, Event.created_at >= before))):
            return False
        # In one transaction: a reader sees both changes or neither.
        db.session.execute(update(EventHead).values(purged=last))
        db.session.execute(delete(Event).where(*early))
    return month_partitions.drop_with_followers(partition)


def _purge_batch(before: datetime, first_ids_end: int) -> bool:
    """Delete the next expired events of the first partition; returns whether there may be more."""
    _lock_head()
    purged = _purged_position()
    oldest = select(Event.position, Event.created_at, Event.id).where(Event.position > purged).order_by(Event.position)
    last = purged
    for position, created_at, event_id in db.session.execute(oldest.limit(BATCH_SIZE)):
        if created_at >= before or event_id >= first_ids_end:
            break
        last = position
    if last == purged:
        return False
    db.session.execute(update(EventHead).values(purged=last))
    deleted: int = db.session.execute(delete(Event).where(Event.position <= last)).rowcount
    return deleted == BATCH_SIZE
