"""Deletion of old canaries."""

from __future__ import annotations

from datetime import timedelta

from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.operations.monitoring import queue_health
from app.operations.tasks import canary


def test_old_canaries_are_deleted(app: Hub) -> None:
    canary.apply(args=["default"])
    with unit_of_work():
        queue_health.delete_older_than(clock.now() + timedelta(seconds=1))
    assert all(queue.age_seconds is None for queue in queue_health.health([]))
