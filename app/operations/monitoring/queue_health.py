"""Canaries: a periodic task in every queue stores a row, which proves that workers consume the queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.celery_config import CANARY_SECONDS
from app.extensions import celery, db
from app.kernel import clock
from app.kernel.worker.heartbeat import Process
from app.operations.models import QueueCanary
from app.operations.monitoring.queue_drain import Drain

#: A queue is red when its newest canary is older than this many ticks.
TICKS = 3


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """Health of a queue.

    Attributes:
        reason: one sentence that explains why the queue is not consumed; empty when it is.
        cause: the same as a code: ``redis``, ``no_worker``, ``no_beat`` or ``stuck``.
        drain: set while operators keep the queue drained.
    """

    queue: str
    age_seconds: float | None
    limit_seconds: float
    workers: tuple[str, ...]
    reason: str = ""
    cause: str = ""
    drain: Drain | None = None

    @property
    def is_red(self) -> bool:
        return bool(self.reason)


def record(queue: str, worker: str) -> None:
    """Record that ``worker`` consumed the canary of ``queue``."""
    moment = clock.now()
    row = insert(QueueCanary).values(queue=queue, worker=worker, seen_at=moment)
    db.session.execute(row.on_conflict_do_update(index_elements=["queue", "worker"], set_={"seen_at": moment}))


def delete_older_than(before: datetime) -> None:
    """Delete the rows of workers that were not seen since a moment."""
    db.session.execute(delete(QueueCanary).where(QueueCanary.seen_at < before))


def health(processes: Iterable[Process] | None, drains: Mapping[str, Drain] | None = None) -> list[QueueHealth]:
    """Health of each queue, by its canary and the processes; ``processes`` is None when they are not known.

    A queue with an old canary is not red if it is drained or was resumed just now, or if its worker runs a long task.
    """
    query = select(QueueCanary.queue, func.max(QueueCanary.seen_at)).group_by(QueueCanary.queue)
    newest: dict[str, datetime] = dict(db.session.execute(query).all())
    return [_health(queue, newest.get(queue), processes, (drains or {}).get(queue)) for queue in CANARY_SECONDS]


def _health(
    queue: str, seen_at: datetime | None, processes: Iterable[Process] | None, drain: Drain | None
) -> QueueHealth:
    limit = CANARY_SECONDS[queue] * TICKS
    age = max(0.0, (clock.now() - seen_at).total_seconds()) if seen_at else None
    alive = [process for process in processes or () if not process.is_lost]
    serving = [process for process in alive if queue in process.queues]
    drained = drain is not None and drain.resumed_at is None
    resumed = drain is not None and drain.resumed_at is not None and _seconds_since(drain.resumed_at) <= limit
    late = (age is None or age > limit) and not drained and not resumed and not _is_at_work(serving)
    cause, reason = _diagnose(queue, serving, alive, known=processes is not None) if late else ("", "")
    names = tuple(process.name for process in serving)
    return QueueHealth(queue, age, limit, names, reason, cause, drain if drained else None)


def _is_at_work(serving: Iterable[Process]) -> bool:
    """Whether a worker runs a task that is still within its time limit: the canary waits behind a long document."""
    moment = clock.now().timestamp()
    return any(moment - (work["since"] or moment) <= _time_limit(work["task"]) for p in serving for work in p.doing)


def _time_limit(task: str) -> float:
    known = celery.tasks.get(task)
    return float((known and known.time_limit) or celery.conf.task_time_limit)


def _seconds_since(moment: datetime) -> float:
    return (clock.now() - moment).total_seconds()


def _diagnose(queue: str, serving: list[Process], alive: list[Process], *, known: bool) -> tuple[str, str]:
    if not known:
        return "redis", "Redis does not answer: nothing is consumed."
    if not serving:
        return "no_worker", f"No worker of the queue {queue} is alive."
    if not any(process.kind == "beat" for process in alive):
        return "no_beat", "Beat is not alive: nothing ticks."
    names = ", ".join(process.name for process in serving)
    running = sorted({work["task"] for process in serving for work in process.doing})
    tasks = f" (running {', '.join(running)})" if running else ""
    return "stuck", f"{names} is up and does not consume{tasks}."
