"""Workers under watch: they say that they are there and what they run, and what fails in them is written down."""

from __future__ import annotations

import os
from typing import Any

import structlog
from celery import signals
from celery.worker import state
from flask import Flask
from prometheus_client import start_http_server

from app.extensions import celery, db
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.celery_app import REQUEST_ID, HubTask
from app.kernel.worker.heartbeat import Heartbeat
from app.operations.monitoring import failed_tasks, queue_drain
from app.operations.monitoring.metrics_endpoint import process_registry

log = structlog.get_logger(__name__)
_heartbeats: dict[str, Heartbeat] = {}
#: A worker's consumer, and the queues that it was started for, drained or not.
_consumers: list[tuple[Any, tuple[str, ...]]] = []


def register(_app: Flask) -> None:
    """Listen to Celery; in a web process nothing of it is ever heard."""
    signals.heartbeat_sent.connect(_send_heartbeat)
    signals.worker_ready.connect(_register_consumer)
    signals.worker_ready.connect(_serve_metrics)
    signals.worker_shutdown.connect(_remove_heartbeats)
    signals.worker_process_init.connect(_reset_connections)
    signals.task_failure.connect(_record_failed_task)


def _send_heartbeat(sender: Any, **_rest: Any) -> None:
    name = sender.eventer.hostname
    kind = name.partition("@")[0]
    presence = _heartbeats.setdefault(name, Heartbeat(kind, name))
    doing = [{"task": work.name, "id": work.id, "since": work.time_start} for work in list(state.active_requests)]
    presence.note(list(celery.amqp.queues.consume_from), doing)
    for consumer, served in _consumers:
        queue_drain.apply_drains(consumer, served)


def _register_consumer(sender: Any, **_rest: Any) -> None:
    """Obey from the beginning what operators said about queues; after a lost connection it is ready once more."""
    if not _consumers:
        _consumers.append((sender, tuple(celery.amqp.queues.consume_from)))
    queue_drain.apply_drains(*_consumers[0])


def _serve_metrics(**_rest: Any) -> None:
    """Answer Prometheus where workers share no folder with a web process; to be let in by a private network only."""
    if port := os.environ.get("METRICS_PORT"):
        # To all addresses of the container; on a host the folder is shared, and nobody sets the port.
        start_http_server(int(port), addr="0.0.0.0", registry=process_registry())  # noqa: S104


def _remove_heartbeats(**_rest: Any) -> None:
    for presence in _heartbeats.values():
        presence.leave()


def _reset_connections(**_rest: Any) -> None:
    """A connection of the parent's may not be used by two processes; whoever needs one makes its own."""
    with HubTask.flask_app.app_context():
        db.engine.dispose(close=False)


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
        # The database may be what failed the task; the counter and the log have it all the same.
        log.warning("task_failure_not_recorded", task=sender.name, error=error, exc_info=True)
