"""What is looked up when somebody asks for the metrics: queues, lags, canaries, processes, servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import events
from app.extensions import bus, db
from app.kernel.worker import heartbeat
from app.operations.monitoring import backlogs, broker_queues, canaries, queue_drain

log = structlog.get_logger(__name__)
_CONNECTIONS = """
    SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1
"""


class HubCollector:
    """Looks at PostgreSQL and Redis at each scrape; what does not answer is told by ``hub_up`` and left out."""

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: it would be asked for at registration."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Each family with its samples."""
        up = GaugeMetricFamily("hub_up", "Whether a server that the hub stands on answers.", labels=["server"])
        for server, look in (("database", _database_metrics), ("redis", _redis_metrics)):
            found, answered = _collect_or_skip(server, look)
            up.add_metric([server], float(answered))
            yield from found
        yield up


def _collect_or_skip(server: str, look: Callable[[], Iterator[Metric]]) -> tuple[list[Metric], bool]:
    try:
        return list(look()), True
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
    yield _gauge("hub_work_due", "Rows of work that is due.", "kind", ((b.kind, b.due) for b in rows))
    yield _gauge(
        "hub_work_oldest_seconds",
        "How long the oldest has been due.",
        "kind",
        ((b.kind, b.oldest_seconds) for b in rows),
    )
    yield _gauge("hub_work_failed", "Rows of work that was given up.", "kind", ((b.kind, b.failed) for b in rows))
    yield GaugeMetricFamily("hub_event_position", "The last position given to an event.", events.last_position())
    health = canaries.health(None, queue_drain.list_drains_or_empty())
    ages = [(h.queue, h.age_seconds) for h in health if h.age_seconds is not None]
    yield _gauge("hub_queue_canary_age_seconds", "Since a canary came out of the queue.", "queue", ages)
    yield _gauge("hub_queue_stalled", "Whether the canary is overdue.", "queue", ((h.queue, h.is_red) for h in health))
    drained = ((h.queue, h.drain is not None) for h in health)
    yield _gauge("hub_queue_drained", "Whether operators keep it from being worked on.", "queue", drained)
    connections = db.session.execute(text(_CONNECTIONS))
    yield _gauge("hub_database_connections", "Connections that the database has.", "state", connections)


def _redis_metrics() -> Iterator[Metric]:
    waiting = broker_queues.queue_depths()
    yield _gauge("hub_queue_depth", "Messages that wait in a queue.", "queue", ((q.name, q.depth) for q in waiting))
    yield _gauge(
        "hub_queue_oldest_seconds", "Age of the oldest message.", "queue", ((q.name, q.oldest_seconds) for q in waiting)
    )
    yield GaugeMetricFamily("hub_queue_unacknowledged", "Messages that workers hold.", broker_queues.unacknowledged())
    info = bus.client.info()
    yield GaugeMetricFamily("hub_redis_clients", "Connections that Redis has.", info["connected_clients"])
    yield GaugeMetricFamily("hub_redis_memory_bytes", "Memory that Redis uses.", info["used_memory"])
    yield from _process_metrics(heartbeat.processes())


def _process_metrics(known: list[heartbeat.Process]) -> Iterator[Metric]:
    silent = GaugeMetricFamily(
        "hub_process_silent_seconds", "Since a process last said that it is there.", labels=["process", "kind"]
    )
    memory = GaugeMetricFamily("hub_process_memory_bytes", "Resident memory of a process.", labels=["process", "kind"])
    tasks = GaugeMetricFamily("hub_process_tasks", "Tasks that a worker runs now.", labels=["process", "kind"])
    for process in known:
        labels = [process.name, process.kind]
        silent.add_metric(labels, process.silent_seconds)
        if not process.is_lost:
            memory.add_metric(labels, process.memory_bytes)
            tasks.add_metric(labels, len(process.doing))
    yield from (silent, memory, tasks)
