"""Load generator: the same work on N connections, in several processes so that the generator is not the bottleneck."""

from __future__ import annotations

import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

#: Called in the load process: opens a connection and returns a function that does the piece of work with a number.
Opener = Callable[[], Callable[[int], None]]


@dataclass(frozen=True, slots=True)
class Measured:
    """Throughput per second, and latency in milliseconds."""

    per_second: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Times (``time.monotonic()``) when the load begins, when counting begins, and when both end."""

    begin: float
    counted: float
    end: float


def measure(opener: Opener, *, connections: int, seconds: float, warm_up: float, first: int) -> Measured:
    """Work on ``connections`` for ``seconds`` after ``warm_up``; each piece has a unique number from ``first`` on."""
    processes = min(2, connections)
    results: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
    begin = time.monotonic() + 0.5
    plan = Plan(begin, begin + warm_up, begin + warm_up + seconds)
    starts = [
        [first + (p * connections + c) * 1_000_000 for c in range(connections // processes)] for p in range(processes)
    ]
    workers = [multiprocessing.Process(target=_process, args=(opener, plan, numbers, results)) for numbers in starts]
    for worker in workers:
        worker.start()
    durations = [duration for _ in workers for duration in results.get()]
    for worker in workers:
        worker.join()
    cuts = statistics.quantiles(durations, n=100)
    return Measured(len(durations) / seconds, cuts[49] * 1000, cuts[98] * 1000)


def _process(opener: Opener, plan: Plan, numbers: list[int], results: multiprocessing.Queue[list[float]]) -> None:
    durations: list[float] = []
    threads = [threading.Thread(target=_connection, args=(opener, plan, number, durations)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(durations)


def _connection(opener: Opener, plan: Plan, number: int, durations: list[float]) -> None:
    work = opener()
    time.sleep(max(0.0, plan.begin - time.monotonic()))
    while (started := time.monotonic()) < plan.end:
        work(number)
        number += 1
        finished = time.monotonic()
        if plan.counted <= started and finished <= plan.end:
            durations.append(finished - started)
