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
from app.operations.monitoring.metrics_endpoint import counted

log = structlog.get_logger(__name__)
_present: dict[str, Heartbeat] = {}
#: A worker's consumer, and the queues that it was started for, drained or not.
_consumers: list[tuple[Any, tuple[str, ...]]] = []


def register(_app: Flask) -> None:
    """Listen to Celery; in a web process nothing of it is ever heard."""
    signals.heartbeat_sent.connect(_worker_beats)
    signals.worker_ready.connect(_worker_is_ready)
    signals.worker_ready.connect(_worker_answers)
    signals.worker_shutdown.connect(_worker_leaves)
    signals.worker_process_init.connect(_child_begins)
    signals.task_failure.connect(_task_failed)


def _worker_beats(sender: Any, **_rest: Any) -> None:
    name = sender.eventer.hostname
    kind = name.partition("@")[0]
    presence = _present.setdefault(name, Heartbeat(kind, name))
    doing = [{"task": work.name, "id": work.id, "since": work.time_start} for work in list(state.active_requests)]
    presence.note(list(celery.amqp.queues.consume_from), doing)
    for consumer, served in _consumers:
        queue_drain.apply_drains(consumer, served)


def _worker_is_ready(sender: Any, **_rest: Any) -> None:
    """Obey from the beginning what operators said about queues; after a lost connection it is ready once more."""
    if not _consumers:
        _consumers.append((sender, tuple(celery.amqp.queues.consume_from)))
    queue_drain.apply_drains(*_consumers[0])


def _worker_answers(**_rest: Any) -> None:
    """Answer Prometheus where workers share no folder with a web process; to be let in by a private network only."""
    if port := os.environ.get("METRICS_PORT"):
        # To all addresses of the container; on a host the folder is shared, and nobody sets the port.
        start_http_server(int(port), addr="0.0.0.0", registry=counted())  # noqa: S104


def _worker_leaves(**_rest: Any) -> None:
    for presence in _present.values():
        presence.leave()


def _child_begins(**_rest: Any) -> None:
    """A connection of the parent's may not be used by two processes; whoever needs one makes its own."""
    with HubTask.flask_app.app_context():
        db.engine.dispose(close=False)


def _task_failed(sender: Any, task_id: str, exception: BaseException, args: Any = (), **_rest: Any) -> None:
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
