"""Dispatcher: hanging receivers and database outages."""

from __future__ import annotations

import threading
import time
from typing import Any

from sqlalchemy.exc import OperationalError

from app.webhooks.sender import dispatcher
from app.webhooks.sender import results as sender_results
from tests.webhooks.fixtures import Make, deliveries
from tests.webhooks.receivers import Received, Receiver


def test_a_hanging_endpoint_does_not_delay_another(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, monkeypatch: Any
) -> None:
    monkeypatch.setattr(dispatcher, "LINGER_SECONDS", 0.0)
    released = threading.Event()
    arrived: list[float] = []

    def hang(_request: Received) -> tuple[int, dict[str, str], bytes]:
        released.wait(5)
        return 204, {}, b""

    def note(_request: Received) -> tuple[int, dict[str, str], bytes]:
        arrived.append(time.monotonic())
        if len(arrived) == 60:
            released.set()
        return 204, {}, b""

    hanging, quick = start_receiver(hang), start_receiver(note)
    subscribe(hanging, concurrency=50)
    subscribe(quick)
    create_einvoices(60)
    began = time.monotonic()
    dispatcher.send_due("first")
    assert arrived[-1] - began < 4.5
    assert len(hanging.requests) == 60


def test_results_are_stored_after_a_short_database_outage(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make, monkeypatch: Any
) -> None:
    subscribe(receiver)
    create_einvoices()
    record_results, fails = sender_results.record_results, iter([True, True])

    def failing_twice(results: Any) -> None:
        if results and next(fails, False):
            raise OperationalError("", {}, Exception("the server is restarting"))
        record_results(results)

    monkeypatch.setattr(sender_results, "record_results", failing_twice)
    send()
    assert len(receiver.requests) == 1
    assert deliveries()[0].state == "delivered"
