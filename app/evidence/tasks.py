"""Celery tasks of the evidence: the roots of the days that are over, and their time stamps."""

from __future__ import annotations

from app.evidence import roots, time_stamps
from app.extensions import celery


@celery.task(name="evidence.seal_days")
def seal_days() -> int:
    """Make the roots of the days that are over; returns their number."""
    return roots.seal_due()


@celery.task(name="evidence.stamp_roots")
def stamp_roots() -> int:
    """Get the time stamps of roots; returns their number."""
    return time_stamps.stamp_due()
