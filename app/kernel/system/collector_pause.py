"""``collector_paused()``: work that makes many objects runs without Python's cyclic garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector, and at the end collect what the block left behind.

    Objects that live until the end of the work are looked at again and again by the collector, in vain. At the end all
    of them are still in the youngest generation, so that one cheap collection frees them. For this the block must have
    no references to them any more: call a function in it.

    The pause holds for all threads of the process. Of two pauses at once the first end resumes the collector.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect(0)
