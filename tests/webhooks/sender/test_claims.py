"""Claims: leases, concurrency, rate limit, slow endpoints, modules."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from typing import Any

from app.accounts import modules
from app.accounts.models.accounts import User
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.sender import attempt as sender_attempt
from app.webhooks.sender import claims as sender_claims
from app.webhooks.sender import dispatcher, http_client
from app.webhooks.sender import results as sender_results
from tests.webhooks.fixtures import FakeClock, Make, attempts_of, deliveries
from tests.webhooks.receivers import Received, Receiver


def test_two_senders_never_claim_the_same_delivery(
    app: Any, receiver: Receiver, subscribe: Make, create_einvoices: Make
) -> None:
    subscribe(receiver, concurrency=50)
    create_einvoices(120)

    def run() -> None:
        with app.app_context():
            dispatcher.send_due("first")

    senders = [threading.Thread(target=run) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    ids = [request["X-Webhook-Id"] for request in receiver.requests]
    assert len(ids) == len(set(ids)) == 120


def test_a_delivery_of_a_lost_worker_is_sent_again_and_the_loss_is_stored(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make, fake_clock: FakeClock
) -> None:
    subscribe(receiver)
    create_einvoices()
    with unit_of_work():
        (lost,) = sender_claims.claim_due("first", 5, skip_slow=False)
    assert send() == 0
    fake_clock.advance(seconds=61)
    assert send() == 1
    (delivery,) = deliveries()
    assert delivery.state == "delivered"
    assert [attempt.outcome for attempt in attempts_of(delivery)] == ["lost", "delivered"]
    assert receiver.requests[0]["X-Webhook-Attempt"] == "2"
    assert lost.attempt == 1


def test_a_lost_claim_counts_towards_concurrency_only_while_its_request_may_run(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make, fake_clock: FakeClock
) -> None:
    subscribe(receiver, concurrency=1)
    create_einvoices(2)
    with unit_of_work():
        (lost,) = sender_claims.claim_due("first", 1, skip_slow=False)
    fake_clock.advance(seconds=15)
    assert send() == 0
    fake_clock.advance(seconds=6)
    assert send() == 1
    assert [d.state for d in deliveries() if d.id != lost.delivery_id] == ["delivered"]


def test_the_rate_limit_of_an_endpoint_is_kept(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make, fake_clock: FakeClock
) -> None:
    subscribe(receiver, rate_per_minute=60)
    create_einvoices(30)
    counts = []
    for _ in range(10):
        send()
        counts.append(len(receiver.requests))
        fake_clock.advance(seconds=1)
    assert counts[-1] <= 11
    assert counts[-1] >= 9
    assert all(after - before <= 2 for before, after in itertools.pairwise(counts))


def test_a_slow_endpoint_gets_one_request_at_a_time(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, fake_clock: FakeClock
) -> None:
    subscribe(receiver)
    create_einvoices(5)
    with unit_of_work():
        (first,) = sender_claims.claim_due("first", 1, skip_slow=False)
    slow = sender_attempt.AttemptResult(
        first, receiver.url, fake_clock.moment, {}, http_client.ReceiverResponse(15_000, error="No answer.")
    )
    with unit_of_work():
        sender_results.record_results([slow])
    with unit_of_work():
        assert sender_claims.claim_due("first", 5, skip_slow=True) == []
        (second,) = sender_claims.claim_due("first", 5, skip_slow=False)
    fast = replace(slow, claim=second, response=http_client.ReceiverResponse(10, status=200))
    with unit_of_work():
        sender_results.record_results([fast])
        assert len(sender_claims.claim_due("first", 5, skip_slow=True)) == 3


def test_the_concurrency_limit_of_an_endpoint_is_kept(
    app: Any, start_receiver: Make, subscribe: Make, create_einvoices: Make
) -> None:
    lock, now, highest = threading.Lock(), 0, 0

    def count(_request: Received) -> tuple[int, dict[str, str], bytes]:
        nonlocal now, highest
        with lock:
            now += 1
            highest = max(highest, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return 204, {}, b""

    subscribe(start_receiver(count), concurrency=3)
    create_einvoices(40)

    def run() -> None:
        with app.app_context():
            dispatcher.send_due("first")

    senders = [threading.Thread(target=run) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert 2 <= highest <= 3
    assert {d.state for d in deliveries()} == {"delivered"}


def test_deliveries_wait_while_the_module_is_not_enabled(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make, subscriber: User
) -> None:
    subscribe(receiver)
    with unit_of_work():
        modules.disable(subscriber, "feature.einvoice_webhooks", actor="test")
    create_einvoices()
    assert send() == 0
    with unit_of_work():
        modules.enable(subscriber, "feature.einvoice_webhooks", actor="test")
    assert send() == 1
