"""Native threads for long computations: in a gevent process such a computation would stop all other requests."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

from app.kernel.errors import Busy

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class NativeThreads:
    """A bounded pool for C code that releases the global lock, such as a password hash.

    Args:
        threads: how many computations run at the same time in a process.
        waiting: how many more may wait for their turn.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self._threads = threads
        self._limit = threads + waiting
        self._running = 0
        self._pool: Any = None
        self._pid = 0

    def run(self, function: Callable[[*Arguments], Result], *args: *Arguments) -> Result:
        """Call ``function`` in the pool of a gevent process, and directly in any other process.

        Raises:
            Busy: too many computations wait already.
        """
        if not _is_gevent_process():
            return function(*args)
        if self._running >= self._limit:
            raise Busy(headers={"Retry-After": "1"})
        self._running += 1
        try:
            result: Result = self._own_pool().apply(function, args)
            return result
        finally:
            self._running -= 1

    def _own_pool(self) -> Any:
        # Threads do not survive a fork.
        if self._pid != os.getpid():
            from gevent.threadpool import ThreadPool  # noqa: PLC0415 - only web processes need gevent

            self._pool, self._pid = ThreadPool(self._threads), os.getpid()
        return self._pool


def _is_gevent_process() -> bool:
    """Whether gevent has patched the sockets of this process."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("socket"))
