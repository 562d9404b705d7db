"""Current status of the hub for the operations page; parts of a server that does not answer are None."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from redis.exceptions import RedisError
from sqlalchemy import text

from app import events
from app.einvoices.models.provider_accounts import ProviderLane
from app.einvoices.providers import lockouts
from app.extensions import db
from app.kernel.worker import heartbeat
from app.operations.models import FailedTask
from app.operations.monitoring import (
    backlogs,
    broker_queues,
    failed_tasks,
    queue_drain,
    queue_health,
    redis_info,
    slow_endpoints,
)
from app.webhooks.endpoints import health as endpoints_health

Value = TypeVar("Value")
_DATABASE = """
    SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes,
        current_setting('max_connections')::int AS most,
        count(*) FILTER (WHERE backend_type = 'client backend') AS connections,
        coalesce(max(extract(epoch FROM now() - xact_start)) FILTER (WHERE pid <> pg_backend_pid()), 0) AS longest
    FROM pg_stat_activity WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class QueueState:
    """Health of a queue, with its number of messages and their age (None when Redis does not answer)."""

    health: queue_health.QueueHealth
    depth: int | None
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class Status:
    """Status of all parts; ``redis`` and ``processes`` are None when Redis does not answer."""

    queues: Sequence[QueueState]
    processes: Sequence[heartbeat.Process] | None
    backlogs: Sequence[backlogs.Backlog]
    failures: Sequence[FailedTask]
    endpoints: Sequence[slow_endpoints.Endpoint]
    troubles: Sequence[endpoints_health.FailingEndpoint]
    lockout: ProviderLane | None
    database: dict[str, Any]
    redis: dict[str, Any] | None
    head: int

    @property
    def lost(self) -> list[heartbeat.Process]:
        return [process for process in self.processes or () if process.is_lost]

    @property
    def beat_seen_at(self) -> datetime | None:
        """Last heartbeat of beat."""
        seen = [process.seen_at for process in self.processes or () if process.kind == "beat"]
        return datetime.fromtimestamp(max(seen), UTC) if seen else None

    @property
    def is_well(self) -> bool:
        return (
            self.redis is not None
            and not self.lost
            and self.lockout is None
            and not any(queue.health.is_red or queue.health.drain for queue in self.queues)
        )


def collect_status() -> Status:
    """Collect the status of all parts."""
    processes = _or_none_without_redis(heartbeat.processes)
    waiting = {queue.name: queue for queue in _or_none_without_redis(broker_queues.queue_depths) or ()}
    row = db.session.execute(text(_DATABASE)).mappings().one()
    return Status(
        queues=[
            QueueState(health, *((w.depth, w.oldest_seconds) if (w := waiting.get(health.queue)) else (None, None)))
            for health in queue_health.health(processes, queue_drain.list_drains_or_empty())
        ],
        processes=processes,
        backlogs=backlogs.list_backlogs(),
        failures=failed_tasks.latest(),
        endpoints=slow_endpoints.slowest(),
        troubles=endpoints_health.failing_endpoints(),
        lockout=lockouts.find_lockout(),
        database=dict(row),
        redis=_or_none_without_redis(_redis),
        head=events.last_position(),
    )


def _or_none_without_redis(read: Callable[[], Value]) -> Value | None:
    try:
        return read()
    except RedisError:
        return None


def _redis() -> dict[str, Any]:
    info = redis_info.read_info() or {}
    return {
        "version": info.get("valkey_version") or info.get("redis_version"),
        "clients": info.get("connected_clients"),
        "bytes": info.get("used_memory"),
        "held": broker_queues.unacknowledged(),
    }
