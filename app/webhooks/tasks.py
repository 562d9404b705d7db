"""Tasks: first attempts, retries, receiver checks, probes of disabled endpoints, retention."""

from __future__ import annotations

from app.extensions import celery
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.celery_app import HTTP_DEADLINE, LEASE
from app.webhooks.deliveries import retention
from app.webhooks.endpoints import receiver_check
from app.webhooks.sender import circuit_breaker, dispatcher

#: Seconds. A round claims nothing more after 22 seconds, and its last request ends at most 15 seconds later.
SOFT_LIMIT, HARD_LIMIT = 45, 50

if not dispatcher.ROUND_SECONDS + HTTP_DEADLINE < SOFT_LIMIT < HARD_LIMIT < LEASE:
    raise RuntimeError("deadlines are out of order: a lease must outlive the round that holds it")


@celery.task(name=dispatcher.TASKS["first"], soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def send() -> None:
    """Make the first attempts that are due."""
    dispatcher.send_due("first")


@celery.task(name=dispatcher.TASKS["retry"], soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def retry() -> None:
    """Make the retries that are due."""
    dispatcher.send_due("retry")


@celery.task(name="webhooks.check_receivers", soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def check() -> None:
    """Run the requested receiver checks."""
    receiver_check.run_due_checks()


@celery.task(name="webhooks.probe")
def probe() -> int:
    """Probe endpoints that the hub disabled after failures."""
    with unit_of_work():
        return circuit_breaker.probe_due()


@celery.task(name="webhooks.purge")
def purge() -> int:
    """Delete deliveries and checks older than the retention time; return the number of deliveries."""
    return retention.purge()
