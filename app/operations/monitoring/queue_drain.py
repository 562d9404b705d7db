"""Queue drains: operators stop and resume the consumption of a queue; workers read the drains from Redis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog
from redis.exceptions import RedisError

from app.accounts import audit
from app.celery_config import CANARY_SECONDS
from app.extensions import bus
from app.kernel import clock
from app.kernel.errors import Busy, NotFound
from app.kernel.messages import N_

log = structlog.get_logger(__name__)
KEY = "hub:drained"


class BrokerUnavailable(Busy):
    """Redis does not answer, so the drain cannot be stored."""

    message = N_("Redis does not answer; nothing was changed. Try again.")


@dataclass(frozen=True, slots=True)
class Drain:
    """The user that drained a queue, since when, and when it was resumed."""

    by: str
    at: datetime
    resumed_at: datetime | None = None


def list_drains() -> dict[str, Drain]:
    """Drains by queue, with the resumed ones.

    Raises:
        RedisError: Redis does not answer.
    """
    stored: Any = bus.client.hgetall(KEY)
    return {queue: msgspec.json.decode(value, type=Drain) for queue, value in stored.items()}


def list_drains_or_empty() -> dict[str, Drain]:
    """Drains by queue; empty when Redis does not answer."""
    try:
        return list_drains()
    except RedisError:
        return {}


def drained_queues() -> set[str]:
    """Names of the queues that are drained now.

    Raises:
        RedisError: Redis does not answer.
    """
    return {queue for queue, drain in list_drains().items() if drain.resumed_at is None}


def drain(queue: str, *, actor: str) -> None:
    """Stop the consumption of ``queue``; workers finish the tasks that they hold.

    Raises:
        NotFound: no queue has this name.
        BrokerUnavailable: Redis does not answer.
    """
    _store(queue, Drain(actor, clock.now()))
    audit.record("queue.drained", actor=actor, subject=f"queue:{queue}")


def resume(queue: str, *, actor: str) -> None:
    """Resume the consumption of ``queue``.

    Raises:
        NotFound: no queue has this name.
        BrokerUnavailable: Redis does not answer.
    """
    _store(queue, Drain(actor, clock.now(), clock.now()))
    audit.record("queue.resumed", actor=actor, subject=f"queue:{queue}")


def apply_drains(consumer: Any, served: tuple[str, ...]) -> None:
    """Make a worker consume exactly those queues of ``served`` that are not drained."""
    try:
        drained = drained_queues()
    except RedisError as error:
        log.debug("drains_unknown", error=str(error))
        return
    consuming = set(consumer.app.amqp.queues.consume_from)
    for queue in served:
        if queue in drained and queue in consuming:
            consumer.cancel_task_queue(queue)
            log.warning("queue_drained", queue=queue)
        elif queue not in drained and queue not in consuming:
            consumer.add_task_queue(queue)
            log.warning("queue_resumed", queue=queue)


def _store(queue: str, value: Drain) -> None:
    if queue not in CANARY_SECONDS:
        raise NotFound
    try:
        bus.client.hset(KEY, queue, msgspec.json.encode(value).decode())
    except RedisError as error:
        raise BrokerUnavailable from error
