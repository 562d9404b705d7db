"""Canaries: a task goes through every queue each few seconds, and the row that it leaves proves consumption."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.celery_config import CANARY_SECONDS
from app.extensions import db
from app.kernel import clock
from app.kernel.worker.heartbeat import Process
from app.operations.models import QueueCanary
from app.operations.monitoring.queue_drain import Drain

#: A queue is red when its newest canary is older than this many ticks.
TICKS = 3


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """Whether a queue is worked on; ``reason`` says in one sentence why not, and is empty when it is."""

    queue: str
    age_seconds: float | None
    limit_seconds: float
    workers: tuple[str, ...]
    reason: str = ""
    #: Why, as a word: ``redis``, ``no_worker``, ``no_beat`` or ``stuck``.
    cause: str = ""
    #: Set while operators keep it from being worked on.
    drain: Drain | None = None

    @property
    def is_red(self) -> bool:
        return bool(self.reason)


def record(queue: str, worker: str) -> None:
    """The canary of ``queue`` was taken out by ``worker``."""
    moment = clock.now()
    row = insert(QueueCanary).values(queue=queue, worker=worker, seen_at=moment)
    db.session.execute(row.on_conflict_do_update(index_elements=["queue", "worker"], set_={"seen_at": moment}))


def delete_older_than(before: datetime) -> None:
    """Delete the rows of workers that have not been there since."""
    db.session.execute(delete(QueueCanary).where(QueueCanary.seen_at < before))


def health(processes: Iterable[Process] | None, drains: Mapping[str, Drain] | None = None) -> list[QueueHealth]:
    """Each queue, by its canary and by who is there to serve it; ``None`` when nobody knows who is there.

    One that is drained is not red, however old its canary is, nor is one that was just let go on.
    """
    looked_up = select(QueueCanary.queue, func.max(QueueCanary.seen_at)).group_by(QueueCanary.queue)
    newest: dict[str, datetime] = dict(db.session.execute(looked_up).all())
    return [_health(queue, newest.get(queue), processes, (drains or {}).get(queue)) for queue in CANARY_SECONDS]


def _health(
    queue: str, seen_at: datetime | None, processes: Iterable[Process] | None, drain: Drain | None
) -> QueueHealth:
    limit = CANARY_SECONDS[queue] * TICKS
    age = max(0.0, (clock.now() - seen_at).total_seconds()) if seen_at else None
    alive = [process for process in processes or () if not process.is_lost]
    serving = [process for process in alive if queue in process.queues]
    resting = drain is not None and drain.resumed_at is None
    resumed = drain is not None and drain.resumed_at is not None and _seconds_since(drain.resumed_at) <= limit
    late = (age is None or age > limit) and not resting and not resumed
    cause, reason = _diagnose(queue, serving, alive, known=processes is not None) if late else ("", "")
    names = tuple(process.name for process in serving)
    return QueueHealth(queue, age, limit, names, reason, cause, drain if resting else None)


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
    at_work = f" (running {', '.join(running)})" if running else ""
    return "stuck", f"{names} is up and does not consume{at_work}."
