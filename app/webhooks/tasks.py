"""Webhooks beside the requests: first attempts and what comes after them on queues of their own, checks, retention."""

from __future__ import annotations

from app.extensions import celery
from app.kernel.worker.celery_app import HTTP_DEADLINE, LEASE
from app.webhooks.deliveries import retention
from app.webhooks.endpoints import receiver_check
from app.webhooks.sender import circuit_breaker, dispatcher

#: A round takes no more after 22 seconds, and what it has on the way is over 15 seconds later.
SOFT_LIMIT, HARD_LIMIT = 45, 50

if not dispatcher.ROUND_SECONDS + HTTP_DEADLINE < SOFT_LIMIT < HARD_LIMIT < LEASE:
    raise RuntimeError("deadlines are out of order: a lease must outlive the round that holds it")


@celery.task(name="webhooks.send_first", soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def send() -> None:
    """Make the first attempts that are due."""
    dispatcher.send_due("first")


@celery.task(name="webhooks.send_retries", soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def retry() -> None:
    """Make all other attempts that are due."""
    dispatcher.send_due("retry")


@celery.task(name="webhooks.check_receivers", soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def check() -> None:
    """Check the receivers that somebody wants checked."""
    receiver_check.run_due_checks()


@celery.task(name="webhooks.probe")
def probe() -> int:
    """Let endpoints that were switched off for their failures try again."""
    return circuit_breaker.probe_due()


@celery.task(name="webhooks.purge")
def purge() -> int:
    """Delete what is older than deliveries are kept."""
    return retention.purge()
