"""A small load generator: the same work on N connections, spread over processes so that it is not what is measured."""

from __future__ import annotations

import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

#: Made in the load process: opens one connection and returns what sends one piece of work, by its number.
Opener = Callable[[], Callable[[int], None]]


@dataclass(frozen=True, slots=True)
class Measured:
    """How many a second, and how long one took in milliseconds."""

    per_second: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Plan:
    """When work begins (``time.monotonic()``), from when it counts, and when it ends."""

    begin: float
    counted: float
    end: float


def measure(opener: Opener, *, connections: int, seconds: float, warm_up: float, first: int) -> Measured:
    """Work on ``connections`` for ``seconds`` after ``warm_up``; work is numbered from ``first``, never twice."""
    processes = min(2, connections)
    outcomes: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
    begin = time.monotonic() + 0.5
    plan = Plan(begin, begin + warm_up, begin + warm_up + seconds)
    starts = [
        [first + (p * connections + c) * 1_000_000 for c in range(connections // processes)] for p in range(processes)
    ]
    workers = [multiprocessing.Process(target=_process, args=(opener, plan, numbers, outcomes)) for numbers in starts]
    for worker in workers:
        worker.start()
    taken = [duration for _ in workers for duration in outcomes.get()]
    for worker in workers:
        worker.join()
    cuts = statistics.quantiles(taken, n=100)
    return Measured(len(taken) / seconds, cuts[49] * 1000, cuts[98] * 1000)


def _process(opener: Opener, plan: Plan, numbers: list[int], outcomes: multiprocessing.Queue[list[float]]) -> None:
    taken: list[float] = []
    threads = [threading.Thread(target=_connection, args=(opener, plan, number, taken)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes.put(taken)


def _connection(opener: Opener, plan: Plan, number: int, taken: list[float]) -> None:
    work = opener()
    time.sleep(max(0.0, plan.begin - time.monotonic()))
    while (started := time.monotonic()) < plan.end:
        work(number)
        number += 1
        finished = time.monotonic()
        if plan.counted <= started and finished <= plan.end:
            taken.append(finished - started)
