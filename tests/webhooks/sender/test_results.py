"""Results of attempts: schedule of retries, ``Retry-After``, lost workers."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.sender import claims as sender_claims
from app.webhooks.sender import results as sender_results
from app.webhooks.sender import retry_schedule
from tests.webhooks.fixtures import FakeClock, Make, a_result, attempts_of, deliveries
from tests.webhooks.receivers import Receiver, answering

#: Minutes after the event at which attempts are due.
SCHEDULE = [0, 1, 6, 21, 81, 441]
#: The minutes just before, at and after each attempt, and minutes between them, to notice an attempt at a wrong time.
CHECKED_MINUTES = sorted({*(due + off for due in SCHEDULE for off in (-1, 0, 1) if due + off >= 0), *range(0, 600, 20)})


def test_attempts_are_made_after_0_1_6_21_81_and_441_minutes_and_then_the_delivery_fails(
    *,
    start_receiver: Make,
    subscribe: Make,
    create_einvoices: Make,
    send: Make,
    fake_clock: FakeClock,
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(retry_schedule.random, "uniform", lambda low, high: low)
    receiver = start_receiver(answering())
    endpoint = subscribe(receiver)
    create_einvoices()
    started, made = fake_clock.moment, []
    for minute in CHECKED_MINUTES:
        fake_clock.advance(minutes=minute - (fake_clock.moment - started) / timedelta(minutes=1))
        if send():
            made.append(minute)
    assert made == SCHEDULE
    (delivery,) = deliveries()
    assert delivery.state == "failed"
    assert len({request.body for request in receiver.requests}) == 1
    assert {request["X-Webhook-Id"] for request in receiver.requests} == {str(delivery.event_id)}
    assert [request["X-Webhook-Attempt"] for request in receiver.requests] == list("123456")
    for minute, request in zip(SCHEDULE, receiver.requests, strict=True):
        stamp = int(request["X-Webhook-Timestamp"])
        assert stamp == int((started + timedelta(minutes=minute)).timestamp())
        signed = f"{stamp}.".encode() + request.body
        key = endpoint.secret.encode()
        assert request["X-Webhook-Signature"] == hmac.new(key, signed, hashlib.sha256).hexdigest()
    assert len({request["X-Webhook-Signature"] for request in receiver.requests}) == 6
    assert len({request["webhook-signature"] for request in receiver.requests}) == 6


def test_jitter_adds_up_to_a_tenth(app: Any) -> None:
    moment = datetime(2026, 2, 1, tzinfo=UTC)
    waits = [(retry_schedule.next_due(1, moment, None) - moment) / timedelta(minutes=5) for _ in range(300)]
    assert all(1 <= wait <= 1.1 for wait in waits)
    assert max(waits) - min(waits) > 0.05


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("90", 90),
        ("5", 60),
        ("100000", 120),
        ("Sun, 01 Feb 2026 00:01:40 GMT", 100),
        ("Sun, 01 Feb 2026 23:00:00 GMT", 120),
        ("soon", 60),
        ("-5", 60),
        ("9" * 400, 120),
        ("Sun, 01 Feb 2026 00:01:40 +99999999999999", 60),
        ("", 60),
    ],
)
def test_retry_after_extends_the_wait_to_at_most_twice_the_delay(
    app: Any, header: str, seconds: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(retry_schedule.random, "uniform", lambda low, high: low)
    moment = datetime(2026, 2, 1, tzinfo=UTC)
    assert retry_schedule.next_due(0, moment, header) - moment == timedelta(seconds=seconds)


def test_the_retry_after_header_sets_the_due_time(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make, fake_clock: FakeClock
) -> None:
    subscribe(start_receiver(answering(429, X_Policy="x" * 2100, retry_after="119")))
    create_einvoices()
    send()
    assert deliveries()[0].due_at == fake_clock.moment + timedelta(seconds=119)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_success(start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make, status: int) -> None:
    subscribe(start_receiver(lambda _request: (status, {}, b"")))
    create_einvoices()
    send()
    assert deliveries()[0].state == "delivered"


@pytest.mark.parametrize("status", [300, 400, 401, 404, 429, 500, 503])
def test_other_statuses_are_retried(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make, status: int
) -> None:
    subscribe(start_receiver(answering(status)))
    create_einvoices()
    send()
    (delivery,) = deliveries()
    assert (delivery.state, delivery.response_status, delivery.attempts) == ("pending", status, 1)


def test_a_worker_that_lost_its_claim_changes_only_the_stored_attempt(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make, fake_clock: FakeClock
) -> None:
    subscribe(start_receiver())
    create_einvoices()
    with unit_of_work():
        (stale,) = sender_claims.claim_due("first", 5, skip_slow=False)
    fake_clock.advance(seconds=61)
    with unit_of_work():
        (holder,) = sender_claims.claim_due("retry", 5, skip_slow=False)
        sender_results.record_lost_attempts([holder])
    with unit_of_work():
        sender_results.record_results([a_result(stale, 500, fake_clock)])
    (delivery,) = deliveries()
    assert (delivery.claim_id, delivery.state) == (holder.claim_id, "pending")
    (attempt,) = attempts_of(delivery)
    assert (attempt.number, attempt.outcome, attempt.response_status) == (1, "failed", 500)


def test_a_delivery_whose_workers_are_always_lost_fails_in_the_end(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make, fake_clock: FakeClock
) -> None:
    subscribe(receiver)
    create_einvoices()
    for queue in ("first", "retry", "retry", "retry", "retry", "retry"):
        with unit_of_work():
            claims = sender_claims.claim_due(queue, 5, skip_slow=False)
            assert len(claims) == 1
            sender_results.record_lost_attempts(claims)
        fake_clock.advance(seconds=61)
    assert send() == 0
    (delivery,) = deliveries()
    assert (delivery.state, delivery.error) == ("failed", sender_results.LOST)
    assert receiver.requests == []


def test_a_delivery_beyond_the_last_delay_is_sent_once_more(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    subscribe(start_receiver(answering(500)))
    create_einvoices()
    with unit_of_work():
        db.session.execute(text("UPDATE webhook_deliveries SET step = 9"))
    assert send() == 1
    assert deliveries()[0].state == "failed"
