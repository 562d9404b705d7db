"""The relay as a Celery task, nudged after each commit and swept by beat; and the end of old events."""

from __future__ import annotations

from flask import current_app

from app.events import relay, retention
from app.extensions import celery
from app.kernel import clock


@celery.task(name="events.relay")
def run() -> int:
    """Place and broadcast all committed events."""
    return relay.relay()


@celery.task(name="events.purge")
def purge() -> int:
    """Delete events that are past their time; returns how many."""
    kept_for = current_app.config["EVENT_RETENTION"]
    return retention.purge(clock.now() - kept_for) if kept_for else 0
