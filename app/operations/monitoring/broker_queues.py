"""Queues of the broker: number of messages and age of the oldest message."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from app.celery_config import Queue
from app.extensions import bus
from app.kernel import clock
from app.kernel.worker.celery_app import SENT_AT

QUEUE_NAMES = tuple(sorted(queue.value for queue in Queue))
#: Key under which kombu keeps messages that workers hold and have not acknowledged.
_UNACKNOWLEDGED = "unacked"


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """A queue of the broker with its number of messages and the age of the oldest one."""

    name: str
    depth: int
    oldest_seconds: float


def queue_depths() -> list[QueueDepth]:
    """Every queue, in one round trip.

    Raises:
        RedisError: the broker does not answer.
    """
    with bus.client.pipeline(transaction=False) as pipe:
        for name in QUEUE_NAMES:
            pipe.llen(name)
            pipe.lindex(name, -1)
        replies: list[Any] = pipe.execute()
    return [QueueDepth(name, replies[2 * i], _age(replies[2 * i + 1])) for i, name in enumerate(QUEUE_NAMES)]


def unacknowledged() -> int:
    """Number of messages that workers hold now.

    Raises:
        RedisError: the broker does not answer.
    """
    held: Any = bus.client.hlen(_UNACKNOWLEDGED)
    return int(held)


def _age(message: str | None) -> float:
    if message is None:
        return 0.0
    sent_at = json.loads(message).get("headers", {}).get(SENT_AT)
    return max(0.0, clock.now().timestamp() - sent_at) if sent_at else 0.0
