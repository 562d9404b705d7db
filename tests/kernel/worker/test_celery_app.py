"""``DebouncedTask``: never blocks the caller, merges many calls, survives a lost Redis; and the set-up of tasks."""

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
    """Replaces Celery's publishing; a cleared ``open`` blocks it, ``fails`` makes it raise an error."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.open = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.fails = False
        self.open.set()

    def send_task(self, name: str, **_options: Any) -> None:
        self.arrived.release()
        self.open.wait(10)
        if self.fails:
            raise ConnectionError("Redis is gone")
        self.sent.append(name)


@pytest.fixture
def broker(app: Hub, monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(celery, "send_task", broker.send_task)
    return broker


def test_a_frozen_broker_does_not_block_the_caller(broker: Broker) -> None:
    broker.open.clear()
    trigger = DebouncedTask("events.relay", interval=0)
    started = time.perf_counter()
    for _ in range(1000):
        trigger()
    assert time.perf_counter() - started < 0.5
    assert broker.arrived.acquire(timeout=5)
    assert broker.sent == []
    broker.open.set()


def test_many_calls_become_few_messages_and_the_last_call_is_not_lost(broker: Broker) -> None:
    broker.open.clear()
    trigger = DebouncedTask("events.relay", interval=0)
    trigger()
    assert broker.arrived.acquire(timeout=5)
    for _ in range(1000):  # while the first message is being sent
        trigger()
    broker.open.set()
    assert broker.arrived.acquire(timeout=5)
    assert not broker.arrived.acquire(timeout=0.05)
    assert broker.sent == ["events.relay"] * 2


def test_a_failed_publish_is_counted_and_the_next_call_publishes_again(broker: Broker) -> None:
    counter = FAILED_TRIGGERS.labels("test.refused")
    trigger = DebouncedTask("test.refused", interval=0)
    broker.fails = True
    before = counter._value.get()
    trigger()
    assert broker.arrived.acquire(timeout=5)
    trigger()
    assert broker.arrived.acquire(timeout=5)
    assert counter._value.get() >= before + 1


def test_a_quiet_process_waits_less_until_it_is_busy(broker: Broker) -> None:
    trigger = DebouncedTask("events.relay", interval=2.0, quiet_interval=0.01)
    for _ in range(3):  # calls that come alone
        started = time.monotonic()
        trigger()
        assert broker.arrived.acquire(timeout=5)
        time.sleep(0.05)
    assert time.monotonic() - started < 1.5
    for _ in range(200):  # more than a quiet process makes
        trigger()
    assert broker.arrived.acquire(timeout=5)
    trigger()
    started = time.monotonic()
    assert broker.arrived.acquire(timeout=5)
    assert time.monotonic() - started > 1.0


def test_each_process_has_its_own_thread(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = DebouncedTask("events.relay", interval=0)
    trigger()
    assert broker.arrived.acquire(timeout=5)
    monkeypatch.setattr(celery_app.os, "getpid", lambda: -1)  # as in a forked process
    trigger()
    assert broker.arrived.acquire(timeout=5)
    assert len([thread for thread in threading.enumerate() if thread.name == "trigger events.relay"]) >= 2


def test_a_task_runs_in_the_context_of_the_application(app: Hub) -> None:
    assert celery.tasks["accounts.purge"].apply().get() == 0


@pytest.mark.parametrize("name", ["SOFT_LIMIT", "HARD_LIMIT", "LEASE", "VISIBILITY_TIMEOUT"])
def test_time_limits_out_of_order_prevent_the_start(app_with: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(celery_app, name, 1)
    with pytest.raises(RuntimeError, match="time limits are out of order"):
        app_with()
