"""Prefetch: same items, same order, errors at their place, no thread left running."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from app.kernel.prefetch import prefetch


def counting(stop: int, made: list[int]) -> Iterator[int]:
    for number in range(stop):
        made.append(number)
        yield number


def test_the_same_items_in_order() -> None:
    assert list(prefetch(counting(50, []))) == list(range(50))


def test_the_next_item_is_made_while_the_current_one_is_in_use() -> None:
    made: list[int] = []
    with closing(prefetch(counting(50, made))) as items:
        next(items)
        deadline = threading.Event()
        for _ in range(100):
            if len(made) > 1:
                break
            deadline.wait(0.01)
        assert 1 < len(made) < 5


def test_an_error_comes_after_the_items_before_it() -> None:
    def breaking() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    items = prefetch(breaking())
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_the_thread_ends_when_the_consumer_stops() -> None:
    with closing(prefetch(counting(10**9, []))) as items:
        next(items)
    assert "prefetch" not in [thread.name for thread in threading.enumerate()]
