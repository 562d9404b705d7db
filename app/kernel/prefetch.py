"""Prefetch of an iterator: the next items are made while the current one waits for the database."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

Item = TypeVar("Item")
#: Seconds between checks whether the consumer has stopped.
_CHECK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class _End:
    """The end of the items; ``error`` is set if the iterator raised it."""

    error: BaseException | None = None


def prefetch(items: Iterator[Item], *, by: int = 1) -> Generator[Item, None, None]:
    """The same items in the same order, up to ``by`` of them made in advance.

    A thread (a greenlet in a gevent worker) makes them in the caller's context. An exception in the thread is raised
    here at the place of the failed item. Close the generator to stop early: the thread ends then.
    """
    ready: queue.Queue[Any] = queue.Queue(by)
    stopped = threading.Event()

    def offer(item: Any) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=_CHECK_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        end = _End()
        try:
            for item in items:
                if not offer(item):
                    return
        except BaseException as error:  # noqa: BLE001 - the consumer raises it again
            end = _End(error)
        offer(end)

    thread = threading.Thread(target=copy_context().run, args=(produce,), name="prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error:
            raise item.error
    finally:
        stopped.set()
        thread.join()
