"""Celery as this hub uses it: tasks in an application context, and nudges that never hold up a request."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextvars import Context, copy_context
from typing import Any, ClassVar

import structlog
from celery import Celery, Task, signals
from flask import Flask, has_app_context
from prometheus_client import Counter, Histogram

from app.celery_config import BEAT_SCHEDULE, RENAMED_TASKS, ROUTES, Queue
from app.config import Settings
from app.extensions import celery
from app.kernel import logs

log = structlog.get_logger(__name__)

HTTP_DEADLINE, SOFT_LIMIT, HARD_LIMIT, LEASE, VISIBILITY_TIMEOUT = 15, 25, 30, 60, 300
FAILED_TRIGGERS = Counter(
    "hub_nudges_failed_total", "Nudges that Redis did not take; the sweep makes up for them.", ["task"]
)


TASK_SECONDS = Histogram(
    "hub_task_seconds",
    "How long tasks ran.",
    ["task"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 5, 10, 30, 120),
)
FAILED_TASKS = Counter("hub_tasks_failed_total", "Tasks that ended with an error.", ["task"])

#: Headers of every message: the request that it goes back to, and when it was sent (seconds since 1970).
REQUEST_ID, SENT_AT = "hub_request_id", "hub_sent_at"


class HubTask(Task):
    """Runs in the application's context, with its own id and that of the request behind it on every log line."""

    flask_app: ClassVar[Flask]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        ids = {"task": self.name, "task_id": self.request.id}
        if behind := getattr(self.request, REQUEST_ID, None):
            ids["request_id"] = behind
        with logs.log_context(**ids), TASK_SECONDS.labels(self.name).time(), self._failures_counted():
            if has_app_context():
                return super().__call__(*args, **kwargs)
            with self.flask_app.app_context():
                return super().__call__(*args, **kwargs)

    def _failures_counted(self) -> Any:
        return FAILED_TASKS.labels(self.name).count_exceptions()


def add_message_headers(headers: dict[str, Any] | None = None, **_rest: Any) -> None:
    """Write on a message which request it goes back to and when it was sent; called before each publish."""
    if headers is not None:
        headers[SENT_AT] = time.time()
        if behind := logs.request_id():
            headers[REQUEST_ID] = behind


def keep_own_logging(**_rest: Any) -> None:
    """Logs are set up with the application; Celery would change their level and its own are many lines a second."""
    logging.getLogger("celery").setLevel(logging.WARNING)


@celery.on_after_finalize.connect(weak=False)
def keep_old_names(sender: Celery, **_rest: Any) -> None:
    """Let workers run messages that carry a task name of the previous release."""
    for old, new in RENAMED_TASKS.items():
        if new in sender.tasks:
            sender.tasks[old] = sender.tasks[new]


signals.before_task_publish.connect(add_message_headers)
signals.setup_logging.connect(keep_own_logging)


def configure(app: Flask, settings: Settings) -> None:
    """Bind Celery to ``app``; a publish to a dead or frozen Redis gives up within two seconds."""
    if not HTTP_DEADLINE < SOFT_LIMIT < HARD_LIMIT < LEASE < VISIBILITY_TIMEOUT:
        raise RuntimeError("deadlines are out of order: a lease must outlive the task that holds it")
    HubTask.flask_app = app
    celery.conf.update(
        broker_url=settings.redis_url,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT,
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "retry_on_timeout": False,
            "health_check_interval": 10,
        },
        task_publish_retry=False,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_soft_time_limit=SOFT_LIMIT,
        task_time_limit=HARD_LIMIT,
        task_default_queue=Queue.DEFAULT.value,
        task_create_missing_queues=True,
        task_routes={task: {"queue": queue.value} for task, queue in ROUTES.items()},
        worker_prefetch_multiplier=1,
        worker_consumer="app.kernel.worker.consumer:EagerConsumer",
        worker_hijack_root_logger=False,
        beat_scheduler="app.kernel.worker.scheduler:HubScheduler",
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_max_memory_per_child=400_000,
        beat_schedule=BEAT_SCHEDULE,
        timezone="UTC",
    )


class DebouncedTask:
    """Sends a task's message soon, off the request's path, and at most once per ``interval`` seconds.

    A burst of commits becomes one message: the task looks for its work in rows, not in the message.
    """

    def __init__(self, task_name: str, interval: float = 0.1) -> None:
        self.task_name = task_name
        self.interval = interval
        self._wanted = threading.Event()
        self._wanted_in: Context | None = None
        self._pid = 0
        self._starting = threading.Lock()

    def __call__(self) -> None:
        self._ensure_running()
        # A message for many goes on in the trace of the last of them.
        self._wanted_in = copy_context()
        self._wanted.set()

    def _ensure_running(self) -> None:
        # A thread does not survive a fork: each process gets its own, the first time it has something to say.
        if self._pid == os.getpid():
            return
        with self._starting:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._run, name=f"nudge {self.task_name}", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            within, self._wanted_in = self._wanted_in or Context(), None
            within.run(self._send)
            del within  # with it goes the request that is over by now
            time.sleep(self.interval)

    def _send(self) -> None:
        structlog.contextvars.clear_contextvars()  # on lines about many the ids of one would be wrong
        try:
            celery.send_task(self.task_name, retry=False, ignore_result=True, expires=LEASE)
        except Exception as error:  # noqa: BLE001 - whatever Redis does, the work is a row and the sweep finds it
            FAILED_TRIGGERS.labels(self.task_name).inc()
            log.warning("nudge_failed", task=self.task_name, error=str(error))
