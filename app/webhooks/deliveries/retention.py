"""Retention: removal of old deliveries that are finished or wait for a disabled endpoint, and of old checks.

A month is removed as a whole when all its deliveries may go. Otherwise, and in the partition from before the months,
they are deleted in batches.
"""

from __future__ import annotations

from datetime import datetime

from flask import current_app
from sqlalchemy import ColumnElement, delete, exists, or_, select, text

from app.extensions import db
from app.kernel import clock
from app.kernel.database import month_partitions
from app.kernel.database.month_partitions import Partition
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.models.deliveries import Attempt, Delivery
from app.webhooks.models.endpoints import AttemptCount, Endpoint, ReceiverCheck
from app.webhooks.sender import circuit_breaker

BATCH_SIZE, MAX_BATCHES = 2000, 20
_LOCK_SQL = text(f"LOCK TABLE ONLY {Delivery.__tablename__}, {Attempt.__tablename__} IN ACCESS EXCLUSIVE MODE")


def purge() -> int:
    """Remove rows older than ``WEBHOOK_RETENTION``; return the number of deliveries that were deleted in batches."""
    before = clock.now() - current_app.config["WEBHOOK_RETENTION"]
    month_partitions.drop_expired(Delivery.__tablename__, before, _drop)
    with unit_of_work():
        batch_end = _end_of_batches(before)
    purged = 0
    for _ in range(MAX_BATCHES):  # the next run of the task deletes the rest
        with unit_of_work():
            deleted = _delete_batch(before, batch_end)
        purged += deleted
        if deleted < BATCH_SIZE:
            break
    with unit_of_work():
        db.session.execute(delete(AttemptCount).where(AttemptCount.minute < clock.now() - circuit_breaker.WINDOW))
        db.session.execute(delete(ReceiverCheck).where(ReceiverCheck.created_at < before))
    return purged


def _is_removable() -> ColumnElement[bool]:
    is_disabled = exists().where(Endpoint.id == Delivery.endpoint_id, Endpoint.status == "disabled")
    return or_(Delivery.state != "pending", is_disabled) & Delivery.claim_id.is_(None)


def _drop(partition: Partition) -> bool:
    # Locked before the look at the rows: nobody sends a delivery again that is dropped then.
    db.session.execute(_LOCK_SQL)
    waiting = Delivery.state == "pending"  # an index finds these rows; the others are removable
    of_month = (Delivery.id < partition.upper, Delivery.id >= (partition.lower or 0))
    if db.session.scalar(select(exists().where(*of_month, waiting, ~_is_removable()))):
        return False
    return month_partitions.drop_with_followers(partition)


def _end_of_batches(before: datetime) -> int:
    """The id at which the last expired partition ends: those that are left have deliveries that have to stay."""
    table = Delivery.__tablename__
    passed = month_partitions.list_passed(table)
    newest = ((each.upper, month_partitions.newest_moment(each)) for each in passed)
    return max(
        [month_partitions.first_upper(table), *(upper for upper, moment in newest if moment and moment < before)]
    )


def _delete_batch(before: datetime, batch_end: int) -> int:
    old = (
        select(Delivery.id)
        .where(Delivery.created_at < before, Delivery.id < batch_end, _is_removable())
        .limit(BATCH_SIZE)
        # A delivery that somebody sends again at this moment is locked and stays.
        .with_for_update(skip_locked=True)
    )
    ids = db.session.scalars(old).all()
    for model, key in ((Attempt, Attempt.delivery_id), (Delivery, Delivery.id)):
        db.session.execute(delete(model).where(key.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)
