"""Fair round: claims work of several lanes (one for each receiver), does it in threads and stores the results.

A receiver that hangs holds its own work only: the lanes share the free places, and a lane that hangs gets no more.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import ClassVar, Generic, NamedTuple, TypeVar

import structlog
from sqlalchemy.exc import OperationalError

from app.kernel.unit_of_work import unit_of_work

log = structlog.get_logger(__name__)
Result = TypeVar("Result")
#: A lane that has not answered for so many seconds gets no further request from this process until it answers.
HANGING_SECONDS = 2.0
_MIN_WAIT, _MAX_WAIT = 0.01, 0.2
#: Seconds for which results are kept while the database is unavailable; later the work is done again when its leases
#: end.
_DATABASE_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class RoundLimits:
    """Limits of a round.

    Attributes:
        requests: simultaneous requests of one process; one lane gets at most half of them.
        slow_seconds: slow lanes are served only so long, so that no round waits for them at its end.
        claim_seconds: nothing is claimed after so many seconds.
        linger_seconds: an idle round goes on so long: work that comes soon after needs no new task message.
    """

    requests: int
    slow_seconds: float
    claim_seconds: float
    linger_seconds: float


class Work(NamedTuple, Generic[Result]):
    """A piece of work: its lane, the request that does it, and whether that request takes much memory."""

    lane: int
    request: Callable[[], Result]
    is_large: bool = False


class FairRound(ABC, Generic[Result]):
    """One run of a task that sends."""

    #: Whether each result has a transaction of its own, because it locks more than its own rows.
    stores_each: ClassVar[bool] = False

    def __init__(self, limits: RoundLimits, pool: ThreadPoolExecutor, wake_up: threading.Event | None = None) -> None:
        """``wake_up`` is set when there is new work; the round sets it when a request finishes."""
        self._limits = limits
        self._wake_up = wake_up or threading.Event()
        self._pool = pool
        #: Running requests, and the monotonic time of the start.
        self._in_flight: dict[Future[Result], tuple[Work[Result], float]] = {}
        self._requests = 0
        self._started = self._last_work = time.monotonic()
        self._wait_seconds = _MIN_WAIT

    def run(self) -> int:
        """Work until nothing is left or the time of the round is over; return the number of requests."""
        while True:
            finished = self._finished()
            if finished or self._may_claim():
                self._step(finished)
            if not self._in_flight and not self._may_continue():
                return self._requests

    @abstractmethod
    def claim(self, free: int, *, skip_slow: bool, excluded: Sequence[int]) -> Sequence[Work[Result]]:
        """Claim up to ``free`` pieces of work in the current transaction.

        ``skip_slow`` leaves out slow lanes; ``excluded`` lists other lanes to leave out.
        """

    @abstractmethod
    def store(self, results: Sequence[Result]) -> None:
        """Store results in the current transaction."""

    @abstractmethod
    def report(self, result: Result) -> None:
        """Count and log a stored result."""

    @property
    def lanes_in_flight(self) -> list[int]:
        """The lanes with a running request."""
        return [work.lane for work, _ in self._in_flight.values()]

    @property
    def large_in_flight(self) -> int:
        """Number of running requests that take much memory."""
        return sum(work.is_large for work, _ in self._in_flight.values())

    def _finished(self) -> list[Result]:
        """Return the results of finished requests; wait a moment for one of them or for new work."""
        if not self._in_flight:
            return []
        self._wake_up.wait(self._wait_seconds)
        self._wake_up.clear()
        done = [future for future in self._in_flight if future.done()]
        for future in done:
            del self._in_flight[future]
        return [future.result() for future in done]

    def _step(self, finished: Sequence[Result]) -> None:
        """Store results and claim new work in one transaction, then start its requests."""
        claimed = self._store_and_claim(finished)
        self._requests += len(finished)
        for result in finished:
            self.report(result)
        if claimed or finished:
            self._last_work, self._wait_seconds = time.monotonic(), _MIN_WAIT
        else:
            self._wait_seconds = min(self._wait_seconds * 1.5, _MAX_WAIT)
            if not self._in_flight:
                self._rest()
        for work in claimed:
            future = self._pool.submit(copy_context().run, work.request)
            self._in_flight[future] = (work, time.monotonic())
            future.add_done_callback(lambda _future: self._wake_up.set())

    def _rest(self) -> None:
        """Wait before the next look for work: a moment in a round that has worked, else until there is new work.

        Most rounds find nothing, and each look is a transaction.
        """
        if self._requests:
            time.sleep(_MIN_WAIT)
        elif self._wake_up.wait(self._limits.linger_seconds):
            self._wake_up.clear()
            self._last_work = time.monotonic()

    def _store_and_claim(self, finished: Sequence[Result]) -> Sequence[Work[Result]]:
        retry_until = time.monotonic() + _DATABASE_RETRY_SECONDS
        while True:
            try:
                for result in finished if self.stores_each else ():
                    with unit_of_work():
                        self.store([result])
                with unit_of_work():
                    if finished and not self.stores_each:
                        self.store(finished)
                    return self._claim_next()
            except OperationalError as error:
                if time.monotonic() > retry_until:
                    raise
                error_kind = type(error.orig).__name__
                log.warning("round_database_unavailable", results=len(finished), error_kind=error_kind)
                time.sleep(_MAX_WAIT)

    def _claim_next(self) -> Sequence[Work[Result]]:
        free = self._limits.requests - len(self._in_flight)
        if not self._may_claim() or free <= 0:
            return []
        skip_slow = time.monotonic() - self._started > self._limits.slow_seconds
        return self.claim(free, skip_slow=skip_slow, excluded=self._busy_lanes())

    def _busy_lanes(self) -> list[int]:
        """Lanes that get no further request from this process now: too many are running, or one is hanging."""
        moment = time.monotonic()
        running = Counter(self.lanes_in_flight)
        hanging = {work.lane for work, since in self._in_flight.values() if moment - since > HANGING_SECONDS}
        return [lane for lane, count in running.items() if lane in hanging or count >= self._limits.requests // 2]

    def _may_claim(self) -> bool:
        return time.monotonic() - self._started < self._limits.claim_seconds

    def _may_continue(self) -> bool:
        return self._may_claim() and time.monotonic() - self._last_work < self._limits.linger_seconds
