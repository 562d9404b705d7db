"""Queues that operators keep from being worked on for a while: said in the broker, obeyed by every worker by itself."""

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
    """Where workers would look for the word it cannot be left."""

    message = N_("Redis does not answer; nothing was changed. Try again.")


@dataclass(frozen=True, slots=True)
class Drain:
    """By whom and since when a queue is drained, and when it was let go on."""

    by: str
    at: datetime
    resumed_at: datetime | None = None


def list_drains() -> dict[str, Drain]:
    """By queue, those that were let go on too.

    Raises:
        RedisError: nobody can tell.
    """
    said: Any = bus.client.hgetall(KEY)
    return {queue: msgspec.json.decode(word, type=Drain) for queue, word in said.items()}


def list_drains_or_empty() -> dict[str, Drain]:
    """By queue, as far as Redis tells."""
    try:
        return list_drains()
    except RedisError:
        return {}


def drained_queues() -> set[str]:
    """The queues that are drained now.

    Raises:
        RedisError: nobody can tell.
    """
    return {queue for queue, drain in list_drains().items() if drain.resumed_at is None}


def drain(queue: str, *, actor: str) -> None:
    """Have no worker take anything more out of ``queue``; what they hold they finish.

    Raises:
        NotFound: there is no such queue.
        BrokerAway: Redis does not answer.
    """
    _store(queue, Drain(actor, clock.now()))
    audit.record("queue.drained", actor=actor, subject=f"queue:{queue}")


def resume(queue: str, *, actor: str) -> None:
    """Have ``queue`` worked on again.

    Raises:
        NotFound: there is no such queue.
        BrokerAway: Redis does not answer.
    """
    _store(queue, Drain(actor, clock.now(), clock.now()))
    audit.record("queue.resumed", actor=actor, subject=f"queue:{queue}")


def apply_drains(consumer: Any, served: tuple[str, ...]) -> None:
    """Make a worker that serves ``served`` consume from those that are not drained, and from no other."""
    try:
        shut = drained_queues()
    except RedisError as error:
        log.debug("drains_not_known", error=str(error))
        return
    consuming = set(consumer.app.amqp.queues.consume_from)
    for queue in served:
        if queue in shut and queue in consuming:
            consumer.cancel_task_queue(queue)
            log.warning("queue_drained", queue=queue)
        elif queue not in shut and queue not in consuming:
            consumer.add_task_queue(queue)
            log.warning("queue_resumed", queue=queue)


def _store(queue: str, word: Drain) -> None:
    if queue not in CANARY_SECONDS:
        raise NotFound
    try:
        bus.client.hset(KEY, queue, msgspec.json.encode(word).decode())
    except RedisError as error:
        raise BrokerUnavailable from error
