"""Nudges: off the caller's path, few for many, and harmless when Redis is gone."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from app.extensions import celery
from app.kernel.http.app import Hub
from app.kernel.worker import celery_app
from app.kernel.worker.celery_app import FAILED_TRIGGERS, DebouncedTask


class Broker:
    """Stands where Celery publishes; ``door`` may hold it up, ``fails`` says how it ends."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.door = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.fails = False
        self.door.set()

    def send_task(self, name: str, **_options: Any) -> None:
        self.arrived.release()
        self.door.wait(10)
        if self.fails:
            raise ConnectionError("Redis is gone")
        self.sent.append(name)


@pytest.fixture
def broker(app: Hub, monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(celery, "send_task", broker.send_task)
    return broker


def test_a_frozen_broker_holds_nobody_up(broker: Broker) -> None:
    broker.door.clear()
    nudge = DebouncedTask("events.relay", interval=0)
    started = time.perf_counter()
    for _ in range(1000):
        nudge()
    assert time.perf_counter() - started < 0.5
    assert broker.arrived.acquire(timeout=5)
    assert broker.sent == []
    broker.door.set()


def test_a_burst_becomes_few_messages_and_the_last_nudge_is_not_lost(broker: Broker) -> None:
    broker.door.clear()
    nudge = DebouncedTask("events.relay", interval=0)
    nudge()
    assert broker.arrived.acquire(timeout=5)
    for _ in range(1000):  # while the first is on its way
        nudge()
    broker.door.set()
    assert broker.arrived.acquire(timeout=5)
    assert not broker.arrived.acquire(timeout=0.05)
    assert broker.sent == ["events.relay"] * 2


def test_a_broker_that_refuses_is_counted_and_asked_again(broker: Broker) -> None:
    counter = FAILED_TRIGGERS.labels("test.refused")
    nudge = DebouncedTask("test.refused", interval=0)
    broker.fails = True
    before = counter._value.get()
    nudge()
    assert broker.arrived.acquire(timeout=5)
    nudge()
    assert broker.arrived.acquire(timeout=5)
    assert counter._value.get() >= before + 1


def test_each_process_has_its_own_sender(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    nudge = DebouncedTask("events.relay", interval=0)
    nudge()
    assert broker.arrived.acquire(timeout=5)
    monkeypatch.setattr(celery_app.os, "getpid", lambda: -1)  # what a fork looks like from inside
    nudge()
    assert broker.arrived.acquire(timeout=5)
    assert len([thread for thread in threading.enumerate() if thread.name == "nudge events.relay"]) >= 2


def test_a_task_runs_in_the_context_of_the_application(app: Hub) -> None:
    assert celery.tasks["accounts.purge"].apply().get() == 0


@pytest.mark.parametrize("name", ["SOFT_LIMIT", "HARD_LIMIT", "LEASE", "VISIBILITY_TIMEOUT"])
def test_deadlines_out_of_order_do_not_start(app_with: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(celery_app, name, 1)
    with pytest.raises(RuntimeError, match="deadlines are out of order"):
        app_with()
