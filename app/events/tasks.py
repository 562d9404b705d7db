"""Celery tasks of the event log: the relay, triggered after each commit and by beat, and the deletion of old events."""

from __future__ import annotations

from flask import current_app

from app.events import relay, retention
from app.extensions import celery
from app.kernel import clock


@celery.task(name="events.relay")
def run() -> int:
    """Assign positions to all committed events and pass them to the listeners."""
    return relay.relay()


@celery.task(name="events.purge")
def purge() -> int:
    """Delete events that are older than ``EVENT_RETENTION``; returns their number."""
    kept_for = current_app.config["EVENT_RETENTION"]
    return retention.purge(clock.now() - kept_for) if kept_for else 0
