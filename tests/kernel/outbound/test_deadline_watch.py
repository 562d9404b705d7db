"""The watch of deadlines: closes what is late, leaves what has ended, and survives an error of one request."""

from __future__ import annotations

import threading
import time

import pytest

from app.kernel.outbound.deadline_watch import DeadlineWatch


class Request:
    """A request that notes when it was closed; ``fault`` is raised by closing it."""

    def __init__(self, seconds: float, fault: Exception | None = None) -> None:
        self.end = time.monotonic() + seconds
        self.closed = threading.Event()
        self.closed_at = 0.0
        self._fault = fault

    def close_connection(self) -> None:
        self.closed_at = time.monotonic()
        self.closed.set()
        if self._fault:
            raise self._fault


@pytest.fixture
def watch() -> DeadlineWatch:
    return DeadlineWatch()


def test_a_late_request_is_closed_at_its_end(watch: DeadlineWatch) -> None:
    request = Request(0.2)
    with watch.watching(request):
        assert request.closed.wait(5)
    assert request.end <= request.closed_at < request.end + 2


def test_a_request_that_has_ended_is_left_alone(watch: DeadlineWatch) -> None:
    early, late = Request(0.1), Request(0.3)
    with watch.watching(early):
        pass
    with watch.watching(late):
        assert late.closed.wait(5)
    assert not early.closed.is_set()


def test_a_request_that_ends_first_does_not_wait_for_others(watch: DeadlineWatch) -> None:
    slow, fast = Request(60), Request(0.1)
    with watch.watching(slow), watch.watching(fast):
        assert fast.closed.wait(5)
        assert not slow.closed.is_set()


def test_an_error_of_one_request_stops_no_other(watch: DeadlineWatch) -> None:
    with watch.watching(Request(0, ValueError("broken"))), watch.watching(after := Request(0.2)):
        assert after.closed.wait(5)


def test_many_requests_need_one_thread(watch: DeadlineWatch) -> None:
    before = threading.active_count()
    requests = [Request(60) for _ in range(50)]
    for request in requests:
        context = watch.watching(request)
        context.__enter__()
    assert threading.active_count() == before
