"""Celery set-up: the task class, message headers, configuration, and ``DebouncedTask`` that never delays a request."""

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
from app.extensions import REDIS_SECONDS, celery
from app.kernel import logs
from app.kernel.worker.wake_ups import wake_ups_of
from app.redis_servers import RedisServers

log = structlog.get_logger(__name__)

HTTP_DEADLINE, SOFT_LIMIT, HARD_LIMIT, LEASE, VISIBILITY_TIMEOUT = 15, 25, 30, 60, 300
FAILED_TRIGGERS = Counter(
    "hub_nudges_failed_total",
    "Task messages that Redis did not accept; the periodic sweep makes up for them.",
    ["task"],
)


TASK_SECONDS = Histogram(
    "hub_task_seconds",
    "How long tasks ran.",
    ["task"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 5, 10, 30, 120),
)
FAILED_TASKS = Counter("hub_tasks_failed_total", "Tasks that ended with an error.", ["task"])

#: Headers of every message: the id of the request that caused it, and the time of sending (seconds since 1970).
REQUEST_ID, SENT_AT = "hub_request_id", "hub_sent_at"


class HubTask(Task):
    """Base class of tasks: runs in the application context; log lines have the ids of the task and of its request."""

    flask_app: ClassVar[Flask]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        ids = {"task": self.name, "task_id": self.request.id}
        if causing_request := getattr(self.request, REQUEST_ID, None):
            ids["request_id"] = causing_request
        with logs.log_context(**ids), TASK_SECONDS.labels(self.name).time(), self._count_failures():
            if has_app_context():
                return super().__call__(*args, **kwargs)
            with self.flask_app.app_context():
                return super().__call__(*args, **kwargs)

    def _count_failures(self) -> Any:
        return FAILED_TASKS.labels(self.name).count_exceptions()


def add_message_headers(headers: dict[str, Any] | None = None, **_rest: Any) -> None:
    """Add ``REQUEST_ID`` and ``SENT_AT`` to the headers of a message; a handler of ``before_task_publish``."""
    if headers is not None:
        headers[SENT_AT] = time.time()
        if causing_request := logs.request_id():
            headers[REQUEST_ID] = causing_request


def keep_own_logging(**_rest: Any) -> None:
    """Prevent Celery from configuring the logs; its own logger writes warnings only, not many lines a second."""
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
    """Bind Celery to ``app``. Publishing to a dead or frozen Redis fails within two seconds."""
    if not HTTP_DEADLINE < SOFT_LIMIT < HARD_LIMIT < LEASE < VISIBILITY_TIMEOUT:
        raise RuntimeError(
            "time limits are out of order: a lease must be longer than the limit of the task that holds it"
        )
    HubTask.flask_app = app
    broker = RedisServers.parse(settings.redis_url).broker_settings(REDIS_SECONDS)
    broker["broker_transport_options"] |= {"visibility_timeout": VISIBILITY_TIMEOUT, "health_check_interval": 10}
    celery.conf.update(
        **broker,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
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
    """Sends the message of a task from a background thread, at most once per ``interval`` seconds.

    Many calls in a short time become one message: the task finds its work in rows, not in the message.
    """

    #: A process with fewer calls is quiet.
    QUIET_CALLS_PER_SECOND = 100

    def __init__(self, task_name: str, interval: float = 0.1, quiet_interval: float | None = None) -> None:
        """``quiet_interval`` replaces ``interval`` while a process is quiet: work that comes alone waits less."""
        self.task_name = task_name
        self.interval = interval
        self._quiet_interval = interval if quiet_interval is None else quiet_interval
        self._calls = 0
        self._requested = threading.Event()
        self._context: Context | None = None
        self._pid = 0
        self._start_lock = threading.Lock()

    def __call__(self) -> None:
        self._ensure_running()
        # One message serves many calls; its trace continues the last of them.
        self._context = copy_context()
        self._calls += 1
        self._requested.set()

    def _ensure_running(self) -> None:
        # Threads do not survive a fork: each process starts its own at its first call.
        if self._pid == os.getpid():
            return
        with self._start_lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._run, name=f"trigger {self.task_name}", daemon=True).start()

    def _run(self) -> None:
        pause = self.interval
        while True:
            self._requested.wait()
            self._requested.clear()
            context, self._context = self._context or Context(), None
            context.run(self._send)
            del context  # it refers to a finished request
            pause = self._next_pause(pause)
            time.sleep(pause)

    def _next_pause(self, last_pause: float) -> float:
        calls, self._calls = self._calls, 0
        return self._quiet_interval if calls <= self.QUIET_CALLS_PER_SECOND * last_pause else self.interval

    def _send(self) -> None:
        structlog.contextvars.clear_contextvars()  # the message serves many requests, so the ids of one would be wrong
        try:
            celery.send_task(self.task_name, retry=False, ignore_result=True, expires=LEASE)
            wake_ups_of(self.task_name).announce()
        except Exception as error:  # noqa: BLE001 - the work is a row: the periodic sweep finds it
            FAILED_TRIGGERS.labels(self.task_name).inc()
            log.warning("trigger_failed", task=self.task_name, error=str(error))
