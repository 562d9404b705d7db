"""Memory of the processes that a benchmark started; what they share is counted in proportion (PSS)."""

from __future__ import annotations

from contextlib import suppress

import psutil

from bench.figures import print_figure

_MIB = 2**20


def print_memory(moment: str, aim: str) -> None:
    """Print the memory of each process, and the figure of their sum.

    ``separate`` is what a process would take alone (RSS).

    Args:
        moment: when it is measured, for example ``at rest``.
        aim: what the sum should be.
    """
    total = separate = 0.0
    print(f"\nmemory {moment}, MiB | separate | process")
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            memory = process.memory_full_info()
            total, separate = total + memory.pss / _MIB, separate + memory.rss / _MIB
            print(f"{memory.pss / _MIB:19.1f} | {memory.rss / _MIB:8.1f} | {' '.join(process.cmdline())[:80]}")
    print(f"{total:19.1f} | {separate:8.1f} | all")
    print_figure(f"memory of all processes {moment}, MiB of PSS", total, "{:.0f}", aim)
