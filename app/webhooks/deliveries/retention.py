"""Retention: deletion of old deliveries that are finished or wait for a disabled endpoint, and of old checks."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import delete, exists, or_, select

from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.models.deliveries import Delivery
from app.webhooks.models.endpoints import AttemptCount, Endpoint, ReceiverCheck
from app.webhooks.sender import circuit_breaker

BATCH_SIZE, MAX_BATCHES = 2000, 20


def purge() -> int:
    """Delete rows older than ``WEBHOOK_RETENTION`` in short transactions; return the number of deleted deliveries."""
    before = clock.now() - current_app.config["WEBHOOK_RETENTION"]
    is_disabled = exists().where(Endpoint.id == Delivery.endpoint_id, Endpoint.status == "disabled")
    old = (
        select(Delivery.id)
        .where(Delivery.created_at < before, or_(Delivery.state != "pending", is_disabled), Delivery.claim_id.is_(None))
        .limit(BATCH_SIZE)
        # A delivery that somebody sends again at this moment is locked and stays.
        .with_for_update(skip_locked=True)
        .cte("old")
    )
    remove = delete(Delivery).where(Delivery.id.in_(select(old.c.id))).returning(Delivery.id)
    purged = 0
    for _ in range(MAX_BATCHES):  # the next run of the task deletes the rest
        with unit_of_work():
            deleted = db.session.scalars(remove.execution_options(synchronize_session=False)).all()
        purged += len(deleted)
        if len(deleted) < BATCH_SIZE:
            break
    with unit_of_work():
        db.session.execute(delete(AttemptCount).where(AttemptCount.minute < clock.now() - circuit_breaker.WINDOW))
        db.session.execute(delete(ReceiverCheck).where(ReceiverCheck.created_at < before))
    return purged
