"""Measuring whether the time of a function grows in proportion to the length of its input."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

#: Twice the input may take this many times as long; quadratic work takes four times as long at each doubling.
FACTOR = 3.0
#: Seconds below which a measurement says nothing.
NOISE = 0.003


def assert_linear(work: Callable[[Any], object], make_input: Callable[[int], Any], size: int) -> None:
    """Fail if ``work`` takes more than in proportion for an input of 4 × ``size``, in two doublings.

    Each time is the best of several runs, so that other processes of the machine do not count; nor does the garbage
    collector, whose work depends on all objects of the process.
    """
    gc.disable()
    try:
        times = [_best_time(work, make_input(size * factor)) for factor in (1, 2, 4)]
    finally:
        gc.enable()
    growth = times[2] / max(times[0], NOISE)
    assert growth < FACTOR**2, f"4 times the input took {growth:.1f} times as long: {times}"


def _best_time(work: Callable[[Any], object], data: Any) -> float:
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        work(data)
        best = min(best, time.process_time() - started)
    return best
