"""Failed tasks: record with the error, list for operators, retry on demand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from app.accounts import audit
from app.celery_config import RENAMED_TASKS
from app.extensions import celery, db
from app.kernel import clock
from app.kernel.errors import NotFound
from app.kernel.log_redaction import mask_text
from app.kernel.unit_of_work import after_commit
from app.operations.models import FailedTask

MAX_ERROR_LENGTH = 2000
DEDUPLICATION_WINDOW = timedelta(minutes=1)


def record(
    *, task_id: str, task: str, arguments: Sequence[Any], worker: str | None, request_id: str | None, error: str
) -> None:
    """Record a failed task; the same error of the same task is recorded once a minute."""
    error = mask_text(error)[:MAX_ERROR_LENGTH]
    again = (
        FailedTask.task == task,
        FailedTask.error == error,
        FailedTask.failed_at > clock.now() - DEDUPLICATION_WINDOW,
    )
    if db.session.scalar(select(FailedTask.id).where(*again).limit(1)):
        return
    db.session.add(
        FailedTask(
            task_id=task_id,
            task=task,
            arguments=list(arguments),
            worker=worker,
            request_id=request_id,
            error=error,
            failed_at=clock.now(),
        )
    )


def latest(limit: int = 50) -> Sequence[FailedTask]:
    """The latest failures, newest first."""
    return list(db.session.scalars(select(FailedTask).order_by(FailedTask.id.desc()).limit(limit)))


def retry(failure_id: int, *, actor: str) -> FailedTask:
    """Run a failed task again; tasks of the hub are safe to run twice.

    Raises:
        NotFound: no failure has this id.
    """
    failure: FailedTask | None = db.session.get(FailedTask, failure_id, with_for_update=True)
    if failure is None:
        raise NotFound
    failure.retried_at = clock.now()
    audit.record("task.retried", actor=actor, subject=f"failed_task:{failure.id}", task=failure.task)
    name, arguments = RENAMED_TASKS.get(failure.task, failure.task), list(failure.arguments)
    after_commit(lambda: celery.send_task(name, args=arguments, retry=False))
    return failure


def delete_older_than(before: datetime) -> None:
    """Delete failures that are older than a moment."""
    db.session.execute(delete(FailedTask).where(FailedTask.failed_at < before))
