"""Celery task that deletes expired stream tickets."""

from __future__ import annotations

from sqlalchemy import delete

from app.extensions import celery, db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.stream.models import StreamTicket


@celery.task(name="stream.purge_tickets")
def purge_tickets() -> int:
    """Delete expired tickets; returns their number."""
    with unit_of_work():
        deleted: int = db.session.execute(delete(StreamTicket).where(StreamTicket.expires_at < clock.now())).rowcount
    return deleted
