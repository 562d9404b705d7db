"""The sender's round: take what is due, post it on many threads, write it down; no slow receiver holds up the rest."""

from __future__ import annotations

import functools
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context

import structlog
from prometheus_client import Counter as Tally
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
ATTEMPTS = Tally("hub_webhook_attempts_total", "Webhook requests that were made.", ["outcome"])
ATTEMPT_SECONDS = Histogram(
    "hub_webhook_attempt_seconds",
    "How long receivers took to answer.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)

#: Requests of one process at a time; of one endpoint at most half of them.
MAX_REQUESTS = 64
#: Seconds without an answer after which an endpoint gets nothing more from this process until it has answered.
HANGING_SECONDS = 2.0
#: Seconds into a round up to which slow endpoints are served, and up to which anything is. What a round began is
#: over 15 seconds later at most, and what it held of slow ones is over when it ends: the next begins at once.
SLOW_ENDPOINT_SECONDS, ROUND_SECONDS = 5.0, 22.0
#: Seconds that a round which found nothing looks on: what follows closely needs no new message.
LINGER_SECONDS = 0.1
_MIN_WAIT, _MAX_WAIT = 0.01, 0.2
#: Seconds for which results are kept while the database is away; then they come again when their lease is over.
_DATABASE_RETRY_SECONDS = 5.0

#: What is on the way: to which endpoint, since when.
InFlight = dict[Future[attempt.AttemptResult], tuple[int, float]]


def send_due(queue: sender_claims.Queue) -> int:
    """Deliver what is due, until nothing is left or the round's time is over; how many attempts were made."""
    return _Round(queue, _pool(os.getpid())).run()


@functools.cache
def _pool(_process: int) -> ThreadPoolExecutor:
    """The threads of a process, for all its rounds: each keeps its session, which is large to make and slow to go."""
    return ThreadPoolExecutor(MAX_REQUESTS, thread_name_prefix="webhook")


class _Round:
    """One task's worth of sending."""

    def __init__(self, queue: sender_claims.Queue, pool: ThreadPoolExecutor) -> None:
        self._queue = queue
        self._pool = pool
        self._flying: InFlight = {}
        self._made = 0
        self._started = self._last_work = time.monotonic()
        self._look = _MIN_WAIT

    def run(self) -> int:
        while True:
            landed = self._landed()
            if landed or self._may_take():
                self._turn(landed)
            if not self._flying and not self._may_go_on():
                return self._made

    def _landed(self) -> list[attempt.AttemptResult]:
        """What came back since the last look; waits a moment for it."""
        if not self._flying:
            return []
        done, _ = wait(self._flying, timeout=self._look, return_when=FIRST_COMPLETED)
        for future in done:
            del self._flying[future]
        return [future.result() for future in done]

    def _turn(self, landed: Sequence[attempt.AttemptResult]) -> None:
        """One transaction: write down what came back, take what is next."""
        outbound = self._with_database(landed)
        self._made += len(landed)
        for result in landed:
            _record_metrics(result)
        if outbound or landed:
            self._last_work, self._look = time.monotonic(), _MIN_WAIT
        else:
            self._look = min(self._look * 1.5, _MAX_WAIT)
            if not self._flying:
                time.sleep(_MIN_WAIT)
        for claim, receiver in outbound:
            flight = self._pool.submit(copy_context().run, attempt.send, claim, receiver)
            self._flying[flight] = (claim.endpoint_id, time.monotonic())

    def _with_database(
        self, landed: Sequence[attempt.AttemptResult]
    ) -> list[tuple[sender_claims.Claim, attempt.Receiver]]:
        tries_end = time.monotonic() + _DATABASE_RETRY_SECONDS
        while True:
            try:
                with unit_of_work():
                    results.record_results(landed)
                    return self._taken()
            except OperationalError as error:
                if time.monotonic() > tries_end:
                    raise
                log.warning("webhooks_without_database", results=len(landed), error_kind=type(error.orig).__name__)
                time.sleep(_MAX_WAIT)

    def _taken(self) -> list[tuple[sender_claims.Claim, attempt.Receiver]]:
        if not self._may_take():
            return []
        quick = time.monotonic() - self._started > SLOW_ENDPOINT_SECONDS
        claims = sender_claims.claim_due(
            self._queue, MAX_REQUESTS - len(self._flying), quick=quick, avoiding=self._crowded()
        )
        if not claims:
            return []
        results.record_lost_attempts(claims)
        receivers = _receivers({claim.endpoint_id for claim in claims})
        return [(claim, receivers[claim.endpoint_id]) for claim in claims if not results.is_exhausted(claim)]

    def _crowded(self) -> list[int]:
        """Endpoints that have enough of this process for now."""
        moment = time.monotonic()
        flights = Counter(endpoint for endpoint, _ in self._flying.values())
        hanging = {endpoint for endpoint, since in self._flying.values() if moment - since > HANGING_SECONDS}
        return [endpoint for endpoint, count in flights.items() if endpoint in hanging or count >= MAX_REQUESTS // 2]

    def _may_take(self) -> bool:
        return time.monotonic() - self._started < ROUND_SECONDS

    def _may_go_on(self) -> bool:
        return self._may_take() and time.monotonic() - self._last_work < LINGER_SECONDS


def _record_metrics(result: attempt.AttemptResult) -> None:
    """Count an attempt, and let its event be followed to where it went."""
    outcome = "delivered" if result.answer.is_success else "failed"
    ATTEMPTS.labels(outcome).inc()
    ATTEMPT_SECONDS.observe(result.answer.milliseconds / 1000)
    ids = {"delivery": result.claim.delivery_id, "event_id": str(result.claim.event_id)}
    log.info("webhook_attempt", outcome=outcome, status=result.answer.status, attempt=result.claim.attempt, **ids)


def _receivers(endpoint_ids: set[int]) -> dict[int, attempt.Receiver]:
    moment = clock.now()
    query = select(Endpoint).where(Endpoint.id.in_(endpoint_ids)).execution_options(populate_existing=True)
    return {endpoint.id: attempt.open_receiver(endpoint, moment) for endpoint in db.session.scalars(query)}
