"""Celery tasks of the evidence: the roots of the days that are over."""

from __future__ import annotations

from app.evidence import roots
from app.extensions import celery


@celery.task(name="evidence.seal_days")
def seal_days() -> int:
    """Make the roots of the days that are over; returns their number."""
    return roots.seal_due()
