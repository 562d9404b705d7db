"""Handlers of Celery signals: heartbeats, queue drains, metrics endpoint of workers, record of failed tasks."""

from __future__ import annotations

from typing import Any

import structlog
from celery import signals
from celery.worker import state
from flask import Flask
from kombu.exceptions import OperationalError
from prometheus_client import start_http_server
from redis.exceptions import RedisError

from app.celery_config import BEAT_SCHEDULE
from app.extensions import celery, db
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.celery_app import REQUEST_ID, HubTask
from app.kernel.worker.heartbeat import Heartbeat
from app.operations.monitoring import failed_tasks, queue_drain
from app.operations.monitoring.metrics_endpoint import process_registry
from app.process_numbers import PORTS, read_number

log = structlog.get_logger(__name__)
_heartbeats: dict[str, Heartbeat] = {}
#: The consumer of this worker, and the queues that it was started for, with the drained ones.
_consumers: list[tuple[Any, tuple[str, ...]]] = []


def register(_app: Flask) -> None:
    """Connect the signal handlers; Celery sends these signals in worker processes only."""
    signals.heartbeat_sent.connect(_send_heartbeat)
    signals.worker_ready.connect(_register_consumer)
    signals.worker_ready.connect(_send_canaries)
    signals.worker_ready.connect(_serve_metrics)
    signals.worker_shutdown.connect(_remove_heartbeats)
    signals.worker_process_init.connect(_reset_connections)
    signals.task_failure.connect(_record_failed_task)


def _send_heartbeat(sender: Any, **_rest: Any) -> None:
    name = sender.eventer.hostname
    kind = name.partition("@")[0]
    heartbeat = _heartbeats.setdefault(name, Heartbeat(kind, name))
    active = list(state.active_requests)
    running = [{"task": request.name, "id": request.id, "since": request.time_start} for request in active]
    heartbeat.note(list(celery.amqp.queues.consume_from), running)
    for consumer, served in _consumers:
        queue_drain.apply_drains(consumer, served)


def _register_consumer(sender: Any, **_rest: Any) -> None:
    """Store the consumer and apply the drains; Celery sends the signal again after a lost connection."""
    if not _consumers:
        _consumers.append((sender, tuple(celery.amqp.queues.consume_from)))
    queue_drain.apply_drains(*_consumers[0])


def _send_canaries(**_rest: Any) -> None:
    """Send the first canary of each queue of this worker: beat's may come a minute later, and health waits for it."""
    for queue in celery.amqp.queues.consume_from:
        if canary := BEAT_SCHEDULE.get(f"operations.canary.{queue}"):
            try:
                celery.send_task(canary["task"], canary["args"], **canary["options"])
            except (OperationalError, RedisError) as error:
                log.warning("first_canary_not_sent", queue=queue, error=str(error))


def _serve_metrics(**_rest: Any) -> None:
    """Serve ``/metrics`` on METRICS_PORT in containers, where workers share no metrics folder with a web process.

    Only a private network may reach this port.
    """
    if port := read_number("METRICS_PORT", 0, PORTS):
        # On all addresses of the container. On one host the folder is shared and the port is not set.
        start_http_server(port, addr="0.0.0.0", registry=process_registry())  # noqa: S104


def _remove_heartbeats(**_rest: Any) -> None:
    for heartbeat in _heartbeats.values():
        heartbeat.leave()


def _reset_connections(**_rest: Any) -> None:
    """Drop the database connections of the parent process; two processes must not share one."""
    with HubTask.flask_app.app_context():
        for engine in db.engines.values():
            engine.dispose(close=False)


def _record_failed_task(sender: Any, task_id: str, exception: BaseException, args: Any = (), **_rest: Any) -> None:
    error = f"{type(exception).__name__}: {exception}"
    request = sender.request
    try:
        with HubTask.flask_app.app_context(), unit_of_work():
            failed_tasks.record(
                task_id=task_id,
                task=sender.name,
                arguments=list(args or ()),
                worker=request.hostname,
                request_id=getattr(request, REQUEST_ID, None),
                error=error,
            )
    except Exception:
        # The database may be the cause of the failure; the metrics and the log still have the error.
        log.warning("task_failure_not_recorded", task=sender.name, error=error, exc_info=True)
