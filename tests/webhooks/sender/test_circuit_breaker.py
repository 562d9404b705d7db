"""Circuit breaker: disabling, enabling and probing endpoints."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.webhooks import tasks
from app.webhooks.sender import claims as sender_claims
from tests.webhooks.fixtures import FakeClock, Make, deliveries, disable, enable
from tests.webhooks.receivers import Receiver, answering


def test_deliveries_wait_while_the_endpoint_is_disabled(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    endpoint = subscribe(receiver)
    disable(endpoint)
    create_einvoices(3)
    assert send() == 0
    enable(endpoint)
    assert send() == 3
    assert endpoint.row.status == "enabled"


def test_after_enabling_one_delivery_is_sent_first_and_a_failure_disables_again(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    receiver = start_receiver(answering(500))
    endpoint = subscribe(receiver)
    disable(endpoint)
    create_einvoices(3)
    enable(endpoint)
    assert endpoint.row.status == "probing"
    assert send() == 1
    assert endpoint.row.status == "disabled"
    assert endpoint.row.reason == "The receiver is not back: it answered 500"
    assert [d.step for d in deliveries()] == [0, 0, 0]


def test_disabling_and_enabling_does_not_send_a_claimed_delivery_again(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    endpoint = subscribe(receiver)
    create_einvoices(2)
    with unit_of_work():
        (claimed,) = sender_claims.claim_due("first", 1, skip_slow=False)
    disable(endpoint)
    enable(endpoint)
    send()
    assert [d.claim_id for d in deliveries() if d.id == claimed.delivery_id] == [claimed.claim_id]
    assert str(claimed.event_id) not in [request["X-Webhook-Id"] for request in receiver.requests]


def test_410_disables_the_endpoint(start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make) -> None:
    endpoint = subscribe(start_receiver(answering(410)))
    create_einvoices()
    send()
    assert endpoint.row.status == "disabled"
    assert "410 Gone" in endpoint.row.reason
    assert endpoint.row.probe_at is None
    assert deliveries()[0].state == "pending"


@pytest.mark.slow
def test_25_attempts_with_80_percent_failures_within_an_hour_disable_and_the_hub_probes_later(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make, fake_clock: FakeClock
) -> None:
    receiver = start_receiver(answering(500))
    endpoint = subscribe(receiver, concurrency=1)
    create_einvoices(40)
    send()
    assert len(receiver.requests) == 25
    assert endpoint.row.reason == "25 of 25 attempts within an hour failed; the last one: it answered 500"
    with unit_of_work():
        audited = db.session.scalar(text("SELECT actor FROM audit_entries WHERE action LIKE '%disabled'"))
    assert audited == "invoice-hub"
    fake_clock.advance(minutes=14)
    assert tasks.probe() == 0
    fake_clock.advance(minutes=2)
    receiver.answers = lambda _request: (200, {}, b"")
    assert tasks.probe() == 1
    db.session.remove()  # as at the end of a worker's application context: only what was committed stays
    send()
    assert endpoint.row.status == "enabled"
    assert {d.state for d in deliveries()} == {"delivered"}
    with unit_of_work():
        query = text("SELECT actor, owner_id FROM audit_entries WHERE action LIKE '%enabled' ORDER BY id DESC")
        assert tuple(db.session.execute(query).first() or ()) == ("invoice-hub", endpoint.row.owner_id)


def test_24_failures_do_not_disable(start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make) -> None:
    endpoint = subscribe(start_receiver(answering(500)), concurrency=1)
    create_einvoices(24)
    send()
    assert endpoint.row.status == "enabled"


@pytest.mark.slow
def test_three_quarters_of_failures_do_not_disable(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    count = iter(range(10_000))
    endpoint = subscribe(start_receiver(lambda _r: (200 if next(count) % 4 == 0 else 500, {}, b"")), concurrency=1)
    create_einvoices(60)
    send()
    assert endpoint.row.status == "enabled"
