"""Depth and age of broker queues."""

from __future__ import annotations

from app.extensions import celery
from app.kernel.http.app import Hub
from app.operations.monitoring import broker_queues


def test_a_queue_has_the_age_of_its_oldest_message(app: Hub) -> None:
    for _ in range(3):
        celery.send_task("operations.canary", args=["pdf"])
    [default] = [queue for queue in broker_queues.queue_depths() if queue.name == "default"]
    assert default.depth == 3
    assert 0 < default.oldest_seconds < 60
