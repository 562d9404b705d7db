"""Getting the next piece of work ready while the present one waits for the database."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

Item = TypeVar("Item")
#: Seconds between looks whether anybody still wants the next item.
_LOOK = 0.2


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing more comes; ``error`` is why, unless it simply ended."""

    error: BaseException | None = None


def prefetch(items: Iterator[Item], *, by: int = 1) -> Generator[Item, None, None]:
    """The same items in the same order, up to ``by`` of them made before they are asked for.

    They are made in a thread of their own (a greenlet in a gevent worker) in the caller's context; what goes wrong
    there is raised here, in its place. Whoever stops early closes the generator and the thread ends.
    """
    waiting: queue.Queue[Any] = queue.Queue(by)
    unwanted = threading.Event()

    def offer(item: Any) -> bool:
        while not unwanted.is_set():
            try:
                waiting.put(item, timeout=_LOOK)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        end = _End()
        try:
            for item in items:
                if not offer(item):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again where the items are wanted
            end = _End(error)
        offer(end)

    thread = threading.Thread(target=copy_context().run, args=(work,), name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error:
            raise item.error
    finally:
        unwanted.set()
        thread.join()
