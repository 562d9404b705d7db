"""Replay: redelivery, recovery, pull and reconciliation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient

from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.models.deliveries import Delivery
from tests.webhooks.fixtures import DELIVERIES, ENDPOINTS, FakeClock, Make, deliveries
from tests.webhooks.receivers import Receiver


def create_failed_deliveries(create_einvoices: Make, send: Make, fake_clock: FakeClock, user: Any, count: int) -> None:
    for _ in range(count):
        create_einvoices(1, user=user)
        fake_clock.advance(minutes=1)
    for _ in range(6):
        send()
        fake_clock.advance(hours=13)


def test_a_redelivery_sends_the_same_bytes_with_a_full_round_of_retries(
    *,
    manager: FlaskClient,
    start_receiver: Make,
    subscribe: Make,
    create_einvoices: Make,
    send: Make,
    fake_clock: FakeClock,
) -> None:
    receiver = start_receiver(lambda _request: (500, {}, b""))
    subscribe(receiver, user=manager.user)
    create_failed_deliveries(create_einvoices, send, fake_clock, manager.user, 1)
    (delivery,) = deliveries()
    assert (delivery.state, delivery.attempts) == ("failed", 6)
    answer = manager.post(f"{DELIVERIES}/{delivery.id}/redeliver")
    assert answer.status_code == 202
    send()
    (delivery,) = deliveries()
    assert (delivery.state, delivery.attempts, delivery.step) == ("pending", 7, 1)
    receiver.answers = lambda _request: (200, {}, b"")
    manager.post(f"{DELIVERIES}/{delivery.id}/redeliver")
    send()
    assert deliveries()[0].state == "delivered"
    assert len({request.body for request in receiver.requests}) == 1
    assert receiver.requests[-1]["X-Webhook-Attempt"] == "8"


def test_recovery_sends_failed_deliveries_oldest_first_at_a_limited_rate(
    *,
    manager: FlaskClient,
    start_receiver: Make,
    subscribe: Make,
    create_einvoices: Make,
    send: Make,
    fake_clock: FakeClock,
) -> None:
    receiver = start_receiver(lambda _request: (500, {}, b""))
    endpoint = subscribe(receiver, user=manager.user)
    began = fake_clock.moment
    create_failed_deliveries(create_einvoices, send, fake_clock, manager.user, 5)
    receiver.answers = lambda _request: (200, {}, b"")
    receiver.requests.clear()
    since = clock.iso(began + timedelta(seconds=90))
    answer = manager.post(f"{ENDPOINTS}/{endpoint.id}/recover", json={"since": since, "per_minute": 60})
    assert (answer.status_code, answer.json["count"]) == (202, 3)
    for _ in range(3):
        send()
        fake_clock.advance(seconds=1)
    assert [request["X-Webhook-Sequence"] for request in receiver.requests] == ["3", "4", "5"]
    assert [d.state for d in deliveries()] == ["failed", "failed", "delivered", "delivered", "delivered"]


def test_a_waiting_or_claimed_delivery_is_not_sent_twice(
    manager: FlaskClient, receiver: Receiver, subscribe: Make, create_einvoices: Make, fake_clock: FakeClock
) -> None:
    subscribe(receiver, user=manager.user)
    create_einvoices(1, user=manager.user)
    (delivery,) = deliveries()
    answer = manager.post(f"{DELIVERIES}/{delivery.id}/redeliver")
    assert (answer.status_code, answer.json["error"]) == (409, "DELIVERY_WAITING")
    with unit_of_work():
        held = {"claim_id": delivery.event_id, "attempts": 1, "due_at": fake_clock.moment + timedelta(seconds=60)}
        db.session.execute(db.update(Delivery).values(**held))
    answer = manager.post(f"{DELIVERIES}/{delivery.id}/redeliver")
    assert (answer.status_code, answer.json["error"]) == (409, "DELIVERY_ON_ITS_WAY")


def test_a_receiver_fetches_its_events_by_position(
    manager: FlaskClient, receiver: Receiver, subscribe: Make, create_einvoices: Make
) -> None:
    endpoint = subscribe(receiver, user=manager.user)
    create_einvoices(2, user=manager.user)
    create_einvoices(1)
    create_einvoices(2, user=manager.user)
    seen, after = [], 0
    while True:
        page = manager.get(f"{ENDPOINTS}/{endpoint.id}/events", query_string={"after": after, "limit": 3}).json
        seen += page["data"]
        after = page["meta"]["next_after"]
        if not page["data"]:
            break
    assert [row["position"] for row in seen] == [1, 2, 4, 5]
    assert [row["sequence"] for row in seen] == [1, 2, 3, 4]
    assert seen[0]["body"]["event"] == "einvoice.created"
    assert page["meta"] == {"next_after": 5, "head": 5, "last_sequence": 4}


def test_reconciliation_lists_the_sequences_that_have_not_arrived(
    manager: FlaskClient, start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    bad = {"3", "4", "7"}
    receiver = start_receiver(lambda request: (500 if request["X-Webhook-Sequence"] in bad else 200, {}, b""))
    endpoint = subscribe(receiver, user=manager.user)
    create_einvoices(8, user=manager.user)
    send()
    report = manager.get(f"{ENDPOINTS}/{endpoint.id}/reconciliation").json
    assert [(gap["first"], gap["last"]) for gap in report["gaps"]] == [(3, 4), (7, 7)]
    assert (report["complete_through"], report["last_sequence"]) == (2, 8)
    assert (report["delivered"], report["pending"], report["failed"]) == (5, 3, 0)
