"""The relay as a Celery task: nudged after each commit, swept by beat for nudges that got lost."""

from __future__ import annotations

from app.events import relay
from app.extensions import celery


@celery.task(name="events.relay")
def run() -> int:
    """Place and broadcast all committed events."""
    return relay.relay()
