"""Celery tasks of operations: canaries of queues, removals of files, month partitions, the purge of old rows."""

from __future__ import annotations

from datetime import timedelta

from celery import current_task

from app.extensions import celery
from app.kernel import clock
from app.kernel.database import month_partitions
from app.kernel.unit_of_work import unit_of_work
from app.operations.monitoring import failed_tasks, queue_health
from app.pdf import file_removals

CANARY_RETENTION, FAILURE_RETENTION = timedelta(days=1), timedelta(days=30)


@celery.task(name="operations.canary")
def canary(queue: str) -> None:
    """Record that a worker consumes the queue."""
    with unit_of_work():
        queue_health.record(queue, current_task.request.hostname or "unknown")


@celery.task(name="operations.remove_files")
def remove_files() -> None:
    """Remove the files of a remote store that no row refers to any more."""
    if file_removals.remove_due():
        file_removals.trigger_remover()


@celery.task(name="operations.make_partitions")
def make_partitions() -> list[str]:
    """Make the month partitions of the next months, and begin to use that of the present month."""
    return month_partitions.make_ahead(clock.now())


@celery.task(name="operations.purge")
def purge() -> None:
    """Delete canaries of workers that stopped, and old failures."""
    with unit_of_work():
        queue_health.delete_older_than(clock.now() - CANARY_RETENTION)
        failed_tasks.delete_older_than(clock.now() - FAILURE_RETENTION)
