"""Wake-ups: a round that waits for a receiver that hangs takes new work at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from app.extensions import bus
from app.kernel.worker import fair_round
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.fair_round import FairRound, RoundLimits, Work
from app.kernel.worker.wake_ups import wake_ups_of

TASK = "events.no_such_task"
SECONDS = 10.0


class Round(FairRound[str]):
    """A round that claims what is in ``due``."""

    due: Sequence[Work[str]] = ()
    looks = 0

    def claim(self, free: int, *, skip_slow: bool, excluded: Sequence[int]) -> Sequence[Work[str]]:
        self.looks += 1
        claimed, self.due = self.due, ()
        return claimed

    def store(self, results: Sequence[str]) -> None:
        """Keep nothing."""

    def report(self, result: str) -> None:
        """Report nothing."""


def wait_for_listener() -> None:
    """Wait until the thread of this process has subscribed."""
    end = time.monotonic() + SECONDS
    while not bus.client.pubsub_numsub(f"hub:work:{TASK}")[0][1]:  # type: ignore[no-untyped-call]
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("wakes", [True, False])
def test_new_work_does_not_wait_for_a_request_that_hangs(
    app: Flask, monkeypatch: pytest.MonkeyPatch, wakes: bool
) -> None:
    """The first request ends only when the second ran, or after a long time."""
    monkeypatch.setattr(fair_round, "_MIN_WAIT", 2 * SECONDS)
    wake_up, second_ran, first_ran = wake_ups_of(TASK).listen(), threading.Event(), threading.Event()
    wait_for_listener()

    def first() -> str:
        first_ran.set()
        return "in time" if second_ran.wait(SECONDS if wakes else 0.5) else "late"

    def second() -> str:
        second_ran.set()
        return "second"

    with ThreadPoolExecutor(3) as pool, app.app_context():
        running = Round(RoundLimits(4, 60.0, 60.0, 0.0), pool, wake_up)
        reported: list[str] = []
        running.report = reported.append  # type: ignore[method-assign]
        running.due = [Work(1, first)]
        whole = pool.submit(lambda: _run_in(app, running))
        assert first_ran.wait(SECONDS)
        running.due = [Work(2, second)]
        if wakes:
            DebouncedTask(TASK)()
        whole.result(timeout=3 * SECONDS)
    assert ("in time" in reported) is wakes


@pytest.mark.parametrize("wakes", [False, True])
def test_a_round_that_has_found_no_work_looks_again_only_when_it_is_woken(app: Flask, wakes: bool) -> None:
    wake_up = threading.Event()
    timer = threading.Timer(0.2, wake_up.set)
    with ThreadPoolExecutor(1) as pool, app.app_context():
        running = Round(RoundLimits(4, 60.0, 60.0, 0.5), pool, wake_up)
        if wakes:
            timer.start()
        running.run()
    assert running.looks == 1 + wakes


def _run_in(app: Flask, running: Round) -> None:
    with app.app_context():
        running.run()
