"""Dispatcher: one round claims due deliveries, sends them in threads and stores the results."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import Counter as CounterMetric
from prometheus_client import Histogram
from sqlalchemy import select

from app.extensions import db
from app.kernel import clock
from app.kernel.logs import FrequentLog
from app.kernel.worker.fair_round import FairRound, RoundLimits, Work
from app.kernel.worker.wake_ups import wake_ups_of
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import attempt
from app.webhooks.sender import claims as sender_claims
from app.webhooks.sender import results as sender_results

attempt_log = FrequentLog(__name__)
ATTEMPTS = CounterMetric("hub_webhook_attempts_total", "Webhook requests that were made.", ["outcome"])
ATTEMPT_SECONDS = Histogram(
    "hub_webhook_attempt_seconds",
    "How long receivers took to answer.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)

#: The task of each queue.
TASKS: Mapping[sender_claims.Queue, str] = {"first": "webhooks.send_first", "retry": "webhooks.send_retries"}
#: Simultaneous requests of one process; one endpoint gets at most half of them.
MAX_REQUESTS = 64
#: A round serves slow endpoints in its first 5 seconds and claims deliveries in its first 22 seconds. A request ends
#: after at most 15 seconds, so requests to slow endpoints have ended when the round ends, and the next starts at once.
SLOW_ENDPOINT_SECONDS, ROUND_SECONDS = 5.0, 22.0
#: An idle round goes on for so many seconds: deliveries that come soon after need no new task message.
LINGER_SECONDS = 0.1


def send_due(queue: sender_claims.Queue) -> int:
    """Send due deliveries until none is left or the round's time is over; return the number of attempts."""
    return _Round(queue).run()


@functools.cache
def _pool(_process: int) -> ThreadPoolExecutor:
    """Thread pool of a process, kept for all rounds: each thread has an HTTP session, which is expensive to create."""
    return ThreadPoolExecutor(MAX_REQUESTS, thread_name_prefix="webhook")


class _Round(FairRound[attempt.AttemptResult]):
    """One run of a send task; a lane is an endpoint."""

    def __init__(self, queue: sender_claims.Queue) -> None:
        limits = RoundLimits(MAX_REQUESTS, SLOW_ENDPOINT_SECONDS, ROUND_SECONDS, LINGER_SECONDS)
        super().__init__(limits, _pool(os.getpid()), wake_ups_of(TASKS[queue]).listen())
        self._queue = queue

    def claim(self, free: int, *, skip_slow: bool, excluded: Sequence[int]) -> list[Work[attempt.AttemptResult]]:
        """Claim due deliveries; those of lost workers without a retry left get no request."""
        claims = sender_claims.claim_due(self._queue, free, skip_slow=skip_slow, excluded=excluded)
        if not claims:
            return []
        sender_results.record_lost_attempts(claims)
        receivers = _receivers({claim.endpoint_id for claim in claims})
        return [
            Work(claim.endpoint_id, functools.partial(attempt.send, claim, receivers[claim.endpoint_id]))
            for claim in claims
            if not sender_results.is_exhausted(claim)
        ]

    def store(self, results: Sequence[attempt.AttemptResult]) -> None:
        """Store the attempts."""
        sender_results.record_results(results)

    def report(self, result: attempt.AttemptResult) -> None:
        """Count an attempt, and log it with the id of its event."""
        outcome = "delivered" if result.response.is_success else "failed"
        ATTEMPTS.labels(outcome).inc()
        ATTEMPT_SECONDS.observe(result.response.milliseconds / 1000)
        ids = {"delivery": result.claim.delivery_id, "event_id": str(result.claim.event_id)}
        attempt_log.write(
            "webhook_attempt", outcome=outcome, status=result.response.status, attempt=result.claim.attempt, **ids
        )


def _receivers(endpoint_ids: set[int]) -> dict[int, attempt.Receiver]:
    moment = clock.now()
    query = select(Endpoint).where(Endpoint.id.in_(endpoint_ids)).execution_options(populate_existing=True)
    return {endpoint.id: attempt.open_receiver(endpoint, moment) for endpoint in db.session.scalars(query)}
