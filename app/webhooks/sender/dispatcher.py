"""Dispatcher: one round claims due deliveries, sends them in threads and stores the results."""

from __future__ import annotations

import functools
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context

import structlog
from prometheus_client import Counter as CounterMetric
from prometheus_client import Histogram
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import attempt, results
from app.webhooks.sender import claims as sender_claims

log = structlog.get_logger(__name__)
ATTEMPTS = CounterMetric("hub_webhook_attempts_total", "Webhook requests that were made.", ["outcome"])
ATTEMPT_SECONDS = Histogram(
    "hub_webhook_attempt_seconds",
    "How long receivers took to answer.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)

#: Simultaneous requests of one process; one endpoint gets at most half of them.
MAX_REQUESTS = 64
#: An endpoint that has not answered for so many seconds gets no further request from this process until it answers.
HANGING_SECONDS = 2.0
#: A round serves slow endpoints in its first 5 seconds and claims deliveries in its first 22 seconds. A request ends
#: after at most 15 seconds, so requests to slow endpoints have ended when the round ends, and the next starts at once.
SLOW_ENDPOINT_SECONDS, ROUND_SECONDS = 5.0, 22.0
#: An idle round goes on for so many seconds: deliveries that come soon after need no new task message.
LINGER_SECONDS = 0.1
_MIN_WAIT, _MAX_WAIT = 0.01, 0.2
#: Seconds for which results are kept while the database is unavailable; later the deliveries are sent again when their
#: leases end.
_DATABASE_RETRY_SECONDS = 5.0

#: Running requests: the endpoint id, and the monotonic time of the start.
InFlight = dict[Future[attempt.AttemptResult], tuple[int, float]]


def send_due(queue: sender_claims.Queue) -> int:
    """Send due deliveries until none is left or the round's time is over; return the number of attempts."""
    return _Round(queue, _pool(os.getpid())).run()


@functools.cache
def _pool(_process: int) -> ThreadPoolExecutor:
    """Thread pool of a process, kept for all rounds: each thread has an HTTP session, which is expensive to create."""
    return ThreadPoolExecutor(MAX_REQUESTS, thread_name_prefix="webhook")


class _Round:
    """One run of a send task."""

    def __init__(self, queue: sender_claims.Queue, pool: ThreadPoolExecutor) -> None:
        self._queue = queue
        self._pool = pool
        self._in_flight: InFlight = {}
        self._attempts = 0
        self._started = self._last_work = time.monotonic()
        self._wait_seconds = _MIN_WAIT

    def run(self) -> int:
        while True:
            finished = self._finished()
            if finished or self._may_claim():
                self._step(finished)
            if not self._in_flight and not self._may_continue():
                return self._attempts

    def _finished(self) -> list[attempt.AttemptResult]:
        """Return the results of finished requests; wait a moment if none has finished."""
        if not self._in_flight:
            return []
        done, _ = wait(self._in_flight, timeout=self._wait_seconds, return_when=FIRST_COMPLETED)
        for future in done:
            del self._in_flight[future]
        return [future.result() for future in done]

    def _step(self, finished: Sequence[attempt.AttemptResult]) -> None:
        """Store results and claim new deliveries in one transaction, then start their requests."""
        claimed = self._store_and_claim(finished)
        self._attempts += len(finished)
        for result in finished:
            _count_and_log(result)
        if claimed or finished:
            self._last_work, self._wait_seconds = time.monotonic(), _MIN_WAIT
        else:
            self._wait_seconds = min(self._wait_seconds * 1.5, _MAX_WAIT)
            if not self._in_flight:
                time.sleep(_MIN_WAIT)
        for claim, receiver in claimed:
            future = self._pool.submit(copy_context().run, attempt.send, claim, receiver)
            self._in_flight[future] = (claim.endpoint_id, time.monotonic())

    def _store_and_claim(
        self, finished: Sequence[attempt.AttemptResult]
    ) -> list[tuple[sender_claims.Claim, attempt.Receiver]]:
        retry_until = time.monotonic() + _DATABASE_RETRY_SECONDS
        while True:
            try:
                with unit_of_work():
                    results.record_results(finished)
                    return self._claim_next()
            except OperationalError as error:
                if time.monotonic() > retry_until:
                    raise
                log.warning("webhook_database_unavailable", results=len(finished), error_kind=type(error.orig).__name__)
                time.sleep(_MAX_WAIT)

    def _claim_next(self) -> list[tuple[sender_claims.Claim, attempt.Receiver]]:
        if not self._may_claim():
            return []
        skip_slow = time.monotonic() - self._started > SLOW_ENDPOINT_SECONDS
        claims = sender_claims.claim_due(
            self._queue, MAX_REQUESTS - len(self._in_flight), skip_slow=skip_slow, excluded=self._busy_endpoints()
        )
        if not claims:
            return []
        results.record_lost_attempts(claims)
        receivers = _receivers({claim.endpoint_id for claim in claims})
        return [(claim, receivers[claim.endpoint_id]) for claim in claims if not results.is_exhausted(claim)]

    def _busy_endpoints(self) -> list[int]:
        """Endpoints that get no further request from this process now: too many are running, or one is hanging."""
        moment = time.monotonic()
        running = Counter(endpoint for endpoint, _ in self._in_flight.values())
        hanging = {endpoint for endpoint, since in self._in_flight.values() if moment - since > HANGING_SECONDS}
        return [endpoint for endpoint, count in running.items() if endpoint in hanging or count >= MAX_REQUESTS // 2]

    def _may_claim(self) -> bool:
        return time.monotonic() - self._started < ROUND_SECONDS

    def _may_continue(self) -> bool:
        return self._may_claim() and time.monotonic() - self._last_work < LINGER_SECONDS


def _count_and_log(result: attempt.AttemptResult) -> None:
    """Count an attempt, and log it with the id of its event."""
    outcome = "delivered" if result.response.is_success else "failed"
    ATTEMPTS.labels(outcome).inc()
    ATTEMPT_SECONDS.observe(result.response.milliseconds / 1000)
    ids = {"delivery": result.claim.delivery_id, "event_id": str(result.claim.event_id)}
    log.info("webhook_attempt", outcome=outcome, status=result.response.status, attempt=result.claim.attempt, **ids)


def _receivers(endpoint_ids: set[int]) -> dict[int, attempt.Receiver]:
    moment = clock.now()
    query = select(Endpoint).where(Endpoint.id.in_(endpoint_ids)).execution_options(populate_existing=True)
    return {endpoint.id: attempt.open_receiver(endpoint, moment) for endpoint in db.session.scalars(query)}
