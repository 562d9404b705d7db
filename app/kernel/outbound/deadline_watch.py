"""One thread of a process closes the connections of all requests whose time is over.

A timer for each request would start a thread for each, which costs as much as a third of a short request.
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)


class Watched(Protocol):
    """A running request; ``end`` is on the monotonic clock."""

    end: float

    def close_connection(self) -> None:
        """End the request, whatever it waits for. Called in another thread."""


class DeadlineWatch:
    """Closes the connections of watched requests at their ends."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[int, Watched] = {}
        #: When the thread looks again; a request that ends earlier wakes it up.
        self._next_look = math.inf
        threading.Thread(target=self._run, name="deadline-watch", daemon=True).start()

    @contextmanager
    def watching(self, request: Watched) -> Iterator[None]:
        """Close the connection of ``request`` at its end, and never after the block."""
        with self._changed:
            self._running[id(request)] = request
            if request.end < self._next_look:
                self._next_look = request.end
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._running.pop(id(request), None)

    def _run(self) -> None:
        with self._changed:
            while True:
                # Closed under the lock: after the block its connection serves the next request.
                for request in [each for each in self._running.values() if each.end <= time.monotonic()]:
                    del self._running[id(request)]
                    _close(request)
                self._next_look = min((each.end for each in self._running.values()), default=math.inf)
                left = self._next_look - time.monotonic()
                self._changed.wait(None if math.isinf(left) else max(0.0, left))


def _close(request: Watched) -> None:
    try:
        request.close_connection()
    except Exception:
        log.exception("connection_not_closed")  # the thread goes on for all other requests


@functools.cache
def watch_of(_process: int) -> DeadlineWatch:
    """The watch of a process: a thread does not survive a fork."""
    return DeadlineWatch()
