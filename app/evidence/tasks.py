"""Celery tasks of the evidence: the roots of the days that are over, their time stamps, and mails with them."""

from __future__ import annotations

from app.evidence import root_mails, roots, time_stamps
from app.extensions import celery


@celery.task(name="evidence.seal_days")
def seal_days() -> int:
    """Make the roots of the days that are over; returns their number."""
    sealed = roots.seal_due()
    root_mails.queue_due()
    return sealed


@celery.task(name="evidence.stamp_roots")
def stamp_roots() -> int:
    """Get the time stamps of roots; returns their number."""
    return time_stamps.stamp_due()


@celery.task(name="evidence.mail_roots")
def mail_roots() -> int:
    """Send the mails with new roots; returns their number."""
    return root_mails.send_due()
