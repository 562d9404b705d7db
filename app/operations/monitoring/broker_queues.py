"""What waits in the broker: how many messages in each queue, and how old the oldest is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from app.celery_config import Queue
from app.extensions import bus
from app.kernel import clock
from app.kernel.worker.celery_app import SENT_AT

QUEUE_NAMES = tuple(sorted(queue.value for queue in Queue))
#: Where kombu keeps what workers hold and have not acknowledged.
_UNACKNOWLEDGED = "unacked"


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """A queue of the broker; the age is of the message that has waited longest."""

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
        said: list[Any] = pipe.execute()
    return [QueueDepth(name, said[2 * i], _age(said[2 * i + 1])) for i, name in enumerate(QUEUE_NAMES)]


def unacknowledged() -> int:
    """How many messages workers hold at this moment.

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
