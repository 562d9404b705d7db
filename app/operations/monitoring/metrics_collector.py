"""Metrics that are read at each scrape: queues, backlogs, canaries, processes, PostgreSQL, Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import events
from app.extensions import db
from app.kernel.storage.store_health import storage_state
from app.kernel.worker import heartbeat
from app.operations.monitoring import backlogs, broker_queues, queue_drain, queue_health, redis_info

log = structlog.get_logger(__name__)
_CONNECTIONS = """
    SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1
"""


class HubCollector:
    """Reads PostgreSQL and Redis at each scrape; ``hub_up`` is 0 for a server without an answer."""

    def describe(self) -> Iterable[Metric]:
        """No description: the registry would otherwise call ``collect`` at registration."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All metrics with their samples."""
        up = GaugeMetricFamily("hub_up", "Whether a server that the hub needs answers.", labels=["server"])
        for server, read in (("database", _database_metrics), ("redis", _redis_metrics)):
            metrics, answered = _collect_or_skip(server, read)
            up.add_metric([server], float(answered))
            yield from metrics
        up.add_metric(["storage"], float(storage_state() == "ok"))
        yield up


def _collect_or_skip(server: str, read: Callable[[], Iterator[Metric]]) -> tuple[list[Metric], bool]:
    try:
        return list(read()), True
    except (SQLAlchemyError, RedisError) as error:
        db.session.rollback()
        log.warning("metrics_incomplete", server=server, error=type(error).__name__)
        return [], False


def _gauge(name: str, help_text: str, label: str, samples: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for value, number in samples:
        family.add_metric([value], number)
    return family


def _database_metrics() -> Iterator[Metric]:
    db.session.execute(text("SET LOCAL statement_timeout = 3000"))
    rows = backlogs.list_backlogs()
    yield _gauge("hub_work_due", "Rows of work that are due.", "kind", ((b.kind, b.due) for b in rows))
    ages = ((b.kind, b.oldest_seconds) for b in rows)
    yield _gauge("hub_work_oldest_seconds", "Seconds since the oldest due row became due.", "kind", ages)
    yield _gauge("hub_work_failed", "Rows of work that failed finally.", "kind", ((b.kind, b.failed) for b in rows))
    doubts = ((b.kind, b.in_doubt) for b in rows)
    yield _gauge("hub_work_in_doubt", "Rows of work that failed, but perhaps were done.", "kind", doubts)
    yield GaugeMetricFamily("hub_event_position", "The last assigned event position.", events.last_position())
    yield from _queue_health_metrics()
    connections = db.session.execute(text(_CONNECTIONS))
    yield _gauge("hub_database_connections", "Connections in the database.", "state", connections)


def _queue_health_metrics() -> Iterator[Metric]:
    health = queue_health.health(None, queue_drain.list_drains_or_empty())
    ages = [(h.queue, h.age_seconds) for h in health if h.age_seconds is not None]
    yield _gauge("hub_queue_canary_age_seconds", "Seconds since a canary left the queue.", "queue", ages)
    yield _gauge("hub_queue_stalled", "Whether the canary is overdue.", "queue", ((h.queue, h.is_red) for h in health))
    drained = ((h.queue, h.drain is not None) for h in health)
    yield _gauge("hub_queue_drained", "Whether operators keep the queue drained.", "queue", drained)


def _redis_metrics() -> Iterator[Metric]:
    waiting = broker_queues.queue_depths()
    yield _gauge("hub_queue_depth", "Messages that wait in the queue.", "queue", ((q.name, q.depth) for q in waiting))
    yield _gauge(
        "hub_queue_oldest_seconds", "Age of the oldest message.", "queue", ((q.name, q.oldest_seconds) for q in waiting)
    )
    yield GaugeMetricFamily("hub_queue_unacknowledged", "Messages that workers hold.", broker_queues.unacknowledged())
    if (info := redis_info.read_info()) is not None:
        yield GaugeMetricFamily("hub_redis_clients", "Client connections of Redis.", info["connected_clients"])
        yield GaugeMetricFamily("hub_redis_memory_bytes", "Memory that Redis uses.", info["used_memory"])
    yield from _process_metrics(heartbeat.processes())


def _process_metrics(processes: list[heartbeat.Process]) -> Iterator[Metric]:
    silent = GaugeMetricFamily(
        "hub_process_silent_seconds", "Seconds since the last heartbeat of a process.", labels=["process", "kind"]
    )
    memory = GaugeMetricFamily("hub_process_memory_bytes", "Resident memory of a process.", labels=["process", "kind"])
    tasks = GaugeMetricFamily("hub_process_tasks", "Tasks that a worker runs now.", labels=["process", "kind"])
    for process in processes:
        labels = [process.name, process.kind]
        silent.add_metric(labels, process.silent_seconds)
        if not process.is_lost:
            memory.add_metric(labels, process.memory_bytes)
            tasks.add_metric(labels, len(process.doing))
    yield from (silent, memory, tasks)
