"""Deliveries from the event to the receiver: what is sent, signed how, when again, and by whom once only."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
import time as real_time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.accounts import modules
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.secret_box import seal
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.deliveries import fan_out
from app.webhooks.endpoints import service as endpoints
from app.webhooks.models.deliveries import Attempt, Delivery
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import attempt as sender_attempt
from app.webhooks.sender import circuit_breaker, dispatcher, http_client
from app.webhooks.sender import claims as sender_claims
from app.webhooks.sender import results as sender_results
from tests.factories import a_sale
from tests.webhooks.fixtures import Clock, Subscribed, a_customer, deliveries
from tests.webhooks.receivers import Received, Receiver

Make = Callable[..., Any]
SCHEDULE = [0, 1, 6, 21, 81, 441]
#: The minutes before, of and after each attempt, and enough of those between to see an attempt out of turn.
LOOKED_AT = sorted({*(due + off for due in SCHEDULE for off in (-1, 0, 1) if due + off >= 0), *range(0, 600, 20)})


def failing(status: int = 503, **headers: str) -> Callable[[Received], tuple[int, dict[str, str], bytes]]:
    return lambda _request: (status, {name.replace("_", "-"): value for name, value in headers.items()}, b"not now")


def attempts_of(delivery: Delivery) -> list[Attempt]:
    with unit_of_work():
        return list(db.session.scalars(db.select(Attempt).where(Attempt.delivery_id == delivery.id).order_by("number")))


class TestWhatIsSent:
    def test_the_body_is_the_events_own_in_the_documents_shape(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make
    ) -> None:
        endpoint = subscribe(receiver)
        (draft,) = happen()
        assert send() == 1
        (request,) = receiver.requests
        body = json.loads(request.body)
        assert list(body) == ["event", "id", "created_at", "data"]
        assert body["event"] == "einvoice.created"
        assert body["data"]["einvoice"]["id"] == draft.id
        assert body["data"]["user"] == {"id": endpoint.owner_id}
        with unit_of_work():
            stored = db.session.scalar(text("SELECT body FROM events"))
        assert request.body.decode() == stored

    def test_headers_say_what_it_is(self, receiver: Receiver, subscribe: Make, happen: Make, send: Make) -> None:
        subscribe(receiver, headers={"X-Api-Key": "k3J"})
        happen(2)
        send()
        first, second = sorted(receiver.requests, key=lambda request: request["X-Webhook-Sequence"])
        assert first["X-Webhook-Event"] == "einvoice.created"
        assert first["X-Webhook-Id"] == json.loads(first.body)["id"] == first["webhook-id"]
        assert first["X-Webhook-Attempt"] == "1"
        assert [first["X-Webhook-Sequence"], second["X-Webhook-Sequence"]] == ["1", "2"]
        assert first["Content-Type"] == "application/json"
        assert first["X-Api-Key"] == "k3J"
        assert first["Host"] == f"127.0.0.1:{receiver.port}"

    def test_the_documents_signature_is_three_lines_of_hmac(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make
    ) -> None:
        endpoint = subscribe(receiver)
        happen()
        send()
        (request,) = receiver.requests
        signed = request["X-Webhook-Timestamp"].encode() + b"." + request.body
        expected = hmac.new(endpoint.secret.encode(), signed, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(expected, request["X-Webhook-Signature"])
        assert abs(int(request["X-Webhook-Timestamp"]) - real_time.time()) < 10

    def test_the_official_library_of_standard_webhooks_verifies_it(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make
    ) -> None:
        endpoint = subscribe(receiver)
        happen(buyer={"name": "Ayşe Yılmaz 😀"})
        send()
        (request,) = receiver.requests
        verified = standardwebhooks.Webhook(endpoint.secret).verify(request.body, request.headers)
        assert verified == json.loads(request.body)
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(endpoint.secret).verify(request.body + b" ", request.headers)

    def test_for_24_hours_after_a_rotation_both_secrets_verify(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        endpoint = subscribe(receiver)
        with unit_of_work():
            new = endpoints.rotate(endpoint.id, 24, None, actor="test").secret
        happen()
        send()
        time.pass_(hours=24)
        happen()
        send()
        during, after = receiver.requests
        for secret in (endpoint.secret, new):
            standardwebhooks.Webhook(secret).verify(during.body, during.headers)
        signed = during["X-Webhook-Timestamp"].encode() + b"." + during.body
        for secret, header in ((new, "X-Webhook-Signature"), (endpoint.secret, "X-Webhook-Signature-Previous")):
            assert during[header] == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert len(during["webhook-signature"].split()) == 2
        assert len(after["webhook-signature"].split()) == 1
        assert "x-webhook-signature-previous" not in after.headers

    def test_one_round_after_another_goes_over_the_same_connection(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make
    ) -> None:
        dispatcher._pool.cache_clear()  # others have left many threads, each with a connection of its own
        subscribe(receiver)
        for _ in range(3):
            happen()
            assert send() == 1
        assert len({request.handler.client_address for request in receiver.requests}) == 1


class TestWhoIsTold:
    def test_wildcards_choose(
        self, *, receiver_with: Make, subscribe: Make, happen: Make, send: Make, erp: Any, relayed: Make
    ) -> None:
        everything, sales, issued = receiver_with(), receiver_with(), receiver_with()
        subscribe(everything, "*")
        subscribe(sales, "sales.*")
        subscribe(issued, "einvoice.issued")
        happen()
        assert erp.post("/api/sales/import/invoice/", json=a_sale()).status_code == 201
        relayed()
        send()
        told = [[request["X-Webhook-Event"] for request in r.requests] for r in (everything, sales, issued)]
        assert [sorted(names) for names in told] == [["einvoice.created", "sales.imported"], ["sales.imported"], []]

    def test_somebody_elses_e_invoices_are_told_to_admins_alone(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make
    ) -> None:
        mine, other, admins = receiver_with(), receiver_with(), receiver_with()
        subscribe(mine)
        subscribe(other, user=a_customer())
        subscribe(admins, user=a_customer("admin"))
        happen()
        send()
        assert [len(r.requests) for r in (mine, other, admins)] == [1, 0, 1]

    def test_a_test_goes_to_its_endpoint_and_nobody_else(
        self, receiver_with: Make, subscribe: Make, relayed: Make, send: Make
    ) -> None:
        one, other = receiver_with(), receiver_with()
        tested = subscribe(one, "sales.*")
        subscribe(other, "*")
        with unit_of_work():
            endpoints.send_test(tested.id, None)
        relayed()
        send()
        assert [len(r.requests) for r in (one, other)] == [1, 0]
        body = json.loads(one.requests[0].body)
        assert body["event"] == "webhook.test"
        assert body["data"] == {
            "endpoint": {"id": tested.id, "url": one.url, "description": "", "events": ["sales.*"]},
            "user": {"id": tested.owner_id},
        }

    def test_sequences_have_no_gaps_and_positions_are_the_logs(
        self, receiver_with: Make, subscribe: Make, happen: Make, relayed: Make
    ) -> None:
        some = subscribe(receiver_with(), "einvoice.created")
        late = subscribe(receiver_with(), "einvoice.created", user=a_customer("admin"))
        for _ in range(3):
            happen(2)
        other = a_customer()
        happen(1, user=other)
        happen(1)
        assert [d.sequence for d in deliveries(some)] == list(range(1, 8))
        assert [d.sequence for d in deliveries(late)] == list(range(1, 9))
        assert [d.position for d in deliveries(some)] == [1, 2, 3, 4, 5, 6, 8]
        assert relayed() == 0

    def test_an_endpoint_that_is_deleted_meanwhile_gets_nothing_that_would_wait_for_ever(
        self, app: Any, receiver: Receiver, subscribe: Make, happen: Make, monkeypatch: Any
    ) -> None:
        gone, stays = subscribe(receiver), subscribe(receiver)
        seen = fan_out._subscribers

        def remove() -> None:
            with app.app_context(), unit_of_work():
                endpoints.remove(gone.id, None, actor="test")

        def then_deleted() -> Any:
            subscribers = seen()
            with ThreadPoolExecutor(1) as elsewhere:
                elsewhere.submit(remove).result()
            return subscribers

        monkeypatch.setattr(fan_out, "_subscribers", then_deleted)
        happen()
        assert deliveries(gone) == []
        assert [delivery.sequence for delivery in deliveries(stays)] == [1]

    def test_a_delivery_carries_the_number_that_people_know(
        self, receiver: Receiver, subscribe: Make, erp: Any, relayed: Make
    ) -> None:
        subscribe(receiver, "sales.*")
        erp.post("/api/sales/import/invoice/", json=a_sale(invoice_no="LTPI-1"))
        relayed()
        assert deliveries()[0].reference == "LTPI-1"


class TestRetries:
    def test_attempts_come_after_0_1_6_21_81_and_441_minutes_and_then_it_has_failed(
        self, *, receiver_with: Make, subscribe: Make, happen: Make, send: Make, time: Clock, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(sender_results.random, "uniform", lambda low, high: low)
        receiver = receiver_with(failing())
        endpoint = subscribe(receiver)
        happen()
        started, made = time.moment, []
        for minute in LOOKED_AT:
            time.pass_(minutes=minute - (time.moment - started) / timedelta(minutes=1))
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

    def test_jitter_adds_up_to_a_tenth(self, app: Any) -> None:
        moment = datetime(2026, 2, 1, tzinfo=UTC)
        waits = [(sender_results.next_due(1, moment, None) - moment) / timedelta(minutes=5) for _ in range(300)]
        assert all(1 <= wait <= 1.1 for wait in waits)
        assert max(waits) - min(waits) > 0.05

    @pytest.mark.parametrize(
        ("said", "seconds"),
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
    def test_retry_after_is_heeded_between_one_and_two_slots(
        self, app: Any, said: str, seconds: int, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(sender_results.random, "uniform", lambda low, high: low)
        moment = datetime(2026, 2, 1, tzinfo=UTC)
        assert sender_results.next_due(0, moment, said) - moment == timedelta(seconds=seconds)

    def test_the_answers_retry_after_reaches_the_schedule(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        subscribe(receiver_with(failing(429, X_Policy="x" * 2100, retry_after="119")))
        happen()
        send()
        assert deliveries()[0].due_at == time.moment + timedelta(seconds=119)

    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_2xx_is_success(self, receiver_with: Make, subscribe: Make, happen: Make, send: Make, status: int) -> None:
        subscribe(receiver_with(lambda _request: (status, {}, b"")))
        happen()
        send()
        assert deliveries()[0].state == "delivered"

    @pytest.mark.parametrize("status", [300, 400, 401, 404, 429, 500, 503])
    def test_everything_else_retries(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make, status: int
    ) -> None:
        subscribe(receiver_with(failing(status)))
        happen()
        send()
        (delivery,) = deliveries()
        assert (delivery.state, delivery.response_status, delivery.attempts) == ("pending", status, 1)

    def test_a_redirect_is_not_followed(self, receiver_with: Make, subscribe: Make, happen: Make, send: Make) -> None:
        elsewhere = receiver_with()
        subscribe(receiver_with(failing(307, Location=elsewhere.url)))
        happen()
        send()
        assert elsewhere.requests == []
        assert deliveries()[0].error == "The receiver answered 307; redirects are not followed."

    def test_an_attempt_keeps_the_exact_request_and_2_kib_of_the_answer(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make
    ) -> None:
        receiver = receiver_with(lambda _request: (500, {"X-Trace": "t-1"}, b"\x00\xffno" + b"x" * 100_000))
        subscribe(receiver, headers={"Authorization": "Bearer hush"})
        happen()
        send()
        (attempt,) = attempts_of(deliveries()[0])
        assert attempt.response_status == 500
        assert attempt.response_headers["X-Trace"] == "t-1"
        assert attempt.response_body.startswith("\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}no")
        assert 2000 < len(attempt.response_body) <= 2048
        assert attempt.address == "127.0.0.1"
        assert attempt.request_headers.pop("Authorization") == "•••"
        (request,) = receiver.requests
        assert attempt.request_headers == {name: request[name] for name in attempt.request_headers}


class TestLeases:
    def test_two_senders_never_take_the_same_delivery(
        self, app: Any, receiver: Receiver, subscribe: Make, happen: Make
    ) -> None:
        subscribe(receiver, concurrency=50)
        happen(120)

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

    def test_what_a_lost_worker_held_comes_due_again_and_is_noted(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        subscribe(receiver)
        happen()
        with unit_of_work():
            (lost,) = sender_claims.claim_due("first", 5, skip_slow=False)
        assert send() == 0
        time.pass_(seconds=61)
        assert send() == 1
        (delivery,) = deliveries()
        assert delivery.state == "delivered"
        assert [attempt.outcome for attempt in attempts_of(delivery)] == ["lost", "delivered"]
        assert receiver.requests[0]["X-Webhook-Attempt"] == "2"
        assert lost.attempt == 1

    def test_what_a_lost_worker_held_frees_its_place_when_its_request_is_over(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        subscribe(receiver, concurrency=1)
        happen(2)
        with unit_of_work():
            (lost,) = sender_claims.claim_due("first", 1, skip_slow=False)
        time.pass_(seconds=15)
        assert send() == 0
        time.pass_(seconds=6)
        assert send() == 1
        assert [d.state for d in deliveries() if d.id != lost.delivery_id] == ["delivered"]

    def test_what_has_more_attempts_behind_it_than_the_delays_are_by_now_is_sent_once_more(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make
    ) -> None:
        subscribe(receiver_with(failing(500)))
        happen()
        with unit_of_work():
            db.session.execute(text("UPDATE webhook_deliveries SET step = 9"))
        assert send() == 1
        assert deliveries()[0].state == "failed"

    def test_who_lost_its_claim_changes_nothing_but_the_evidence(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        subscribe(receiver_with())
        happen()
        with unit_of_work():
            (stale,) = sender_claims.claim_due("first", 5, skip_slow=False)
        time.pass_(seconds=61)
        with unit_of_work():
            (holder,) = sender_claims.claim_due("retry", 5, skip_slow=False)
            sender_results.record_lost_attempts([holder])
        with unit_of_work():
            sender_results.record_results([a_result(stale, 500, time)])
        (delivery,) = deliveries()
        assert (delivery.claim_id, delivery.state) == (holder.claim_id, "pending")
        (attempt,) = attempts_of(delivery)
        assert (attempt.number, attempt.outcome, attempt.response_status) == (1, "failed", 500)

    def test_work_that_kills_its_worker_ends(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        subscribe(receiver)
        happen()
        for queue in ("first", "retry", "retry", "retry", "retry", "retry"):
            with unit_of_work():
                claims = sender_claims.claim_due(queue, 5, skip_slow=False)
                assert len(claims) == 1
                sender_results.record_lost_attempts(claims)
            time.pass_(seconds=61)
        assert send() == 0
        (delivery,) = deliveries()
        assert (delivery.state, delivery.error) == ("failed", sender_results.LOST)
        assert receiver.requests == []


def a_result(claim: sender_claims.Claim, status: int, time: Clock) -> Any:
    return sender_attempt.AttemptResult(
        claim, "http://127.0.0.1/", time.moment, {}, http_client.ReceiverResponse(3, status=status)
    )


class TestFairness:
    def test_a_hanging_endpoint_does_not_delay_another(
        self, receiver_with: Make, subscribe: Make, happen: Make, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(dispatcher, "LINGER_SECONDS", 0.0)
        released = threading.Event()
        arrived: list[float] = []

        def hang(_request: Received) -> tuple[int, dict[str, str], bytes]:
            released.wait(5)
            return 204, {}, b""

        def note(_request: Received) -> tuple[int, dict[str, str], bytes]:
            arrived.append(real_time.monotonic())
            if len(arrived) == 60:
                released.set()
            return 204, {}, b""

        hanging, quick = receiver_with(hang), receiver_with(note)
        subscribe(hanging, concurrency=50)
        subscribe(quick)
        happen(60)
        began = real_time.monotonic()
        dispatcher.send_due("first")
        assert arrived[-1] - began < 4.5
        assert len(hanging.requests) == 60

    def test_no_more_than_its_concurrency_at_a_time(
        self, app: Any, receiver_with: Make, subscribe: Make, happen: Make
    ) -> None:
        lock, now, most = threading.Lock(), 0, 0

        def count(_request: Received) -> tuple[int, dict[str, str], bytes]:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            real_time.sleep(0.01)
            with lock:
                now -= 1
            return 204, {}, b""

        subscribe(receiver_with(count), concurrency=3)
        happen(40)

        def run() -> None:
            with app.app_context():
                dispatcher.send_due("first")

        senders = [threading.Thread(target=run) for _ in range(2)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert 2 <= most <= 3
        assert {d.state for d in deliveries()} == {"delivered"}

    def test_no_more_than_its_rate(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        subscribe(receiver, rate_per_minute=60)
        happen(30)
        counts = []
        for _ in range(10):
            send()
            counts.append(len(receiver.requests))
            time.pass_(seconds=1)
        assert counts[-1] <= 11
        assert counts[-1] >= 9
        assert all(after - before <= 2 for before, after in itertools.pairwise(counts))

    def test_an_endpoint_that_keeps_requests_hanging_gets_one_at_a_time(
        self, receiver: Receiver, subscribe: Make, happen: Make, time: Clock
    ) -> None:
        subscribe(receiver)
        happen(5)
        with unit_of_work():
            (first,) = sender_claims.claim_due("first", 1, skip_slow=False)
        slow = sender_attempt.AttemptResult(
            first, receiver.url, time.moment, {}, http_client.ReceiverResponse(15_000, error="No answer.")
        )
        with unit_of_work():
            sender_results.record_results([slow])
        with unit_of_work():
            assert sender_claims.claim_due("first", 5, skip_slow=True) == []
            assert len(sender_claims.claim_due("first", 5, skip_slow=False)) == 1
        with unit_of_work():
            sender_results.record_results([replace(slow, response=http_client.ReceiverResponse(10, status=200))])
            assert len(sender_claims.claim_due("first", 5, skip_slow=True)) == 3


class TestPausing:
    def test_a_disabled_endpoint_keeps_its_deliveries_until_it_is_on(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make
    ) -> None:
        endpoint = subscribe(receiver)
        switch(endpoint, "off")
        happen(3)
        assert send() == 0
        switch(endpoint, "on")
        assert send() == 3
        assert endpoint.row.status == "enabled"

    def test_after_being_off_one_goes_first_and_the_rest_only_when_it_arrived(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make
    ) -> None:
        receiver = receiver_with(failing(500))
        endpoint = subscribe(receiver)
        switch(endpoint, "off")
        happen(3)
        switch(endpoint, "on")
        assert endpoint.row.status == "probing"
        assert send() == 1
        assert endpoint.row.status == "disabled"
        assert endpoint.row.reason == "The receiver is not back: it answered 500"
        assert [d.step for d in deliveries()] == [0, 0, 0]

    def test_switching_off_and_on_does_not_send_what_is_on_its_way_again(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make
    ) -> None:
        endpoint = subscribe(receiver)
        happen(2)
        with unit_of_work():
            (flying,) = sender_claims.claim_due("first", 1, skip_slow=False)
        switch(endpoint, "off")
        switch(endpoint, "on")
        send()
        assert [d.claim_id for d in deliveries() if d.id == flying.delivery_id] == [flying.claim_id]
        assert str(flying.event_id) not in [request["X-Webhook-Id"] for request in receiver.requests]

    def test_an_expired_module_pauses_and_a_renewed_one_goes_on(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make, subscriber: User
    ) -> None:
        subscribe(receiver)
        with unit_of_work():
            modules.disable(subscriber, "feature.einvoice_webhooks", actor="test")
        happen()
        assert send() == 0
        with unit_of_work():
            modules.enable(subscriber, "feature.einvoice_webhooks", actor="test")
        assert send() == 1

    def test_410_switches_off(self, receiver_with: Make, subscribe: Make, happen: Make, send: Make) -> None:
        endpoint = subscribe(receiver_with(failing(410)))
        happen()
        send()
        assert endpoint.row.status == "disabled"
        assert "410 Gone" in endpoint.row.reason
        assert endpoint.row.probe_at is None
        assert deliveries()[0].state == "pending"

    def test_25_failures_of_80_percent_within_an_hour_switch_off_and_the_hub_tries_again_by_itself(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        receiver = receiver_with(failing(500))
        endpoint = subscribe(receiver, concurrency=1)
        happen(40)
        send()
        assert len(receiver.requests) == 25
        assert endpoint.row.reason == "25 of 25 attempts within an hour failed; the last one: it answered 500"
        with unit_of_work():
            audited = db.session.scalar(text("SELECT actor FROM audit_entries WHERE action LIKE '%disabled'"))
        assert audited == "invoice-hub"
        time.pass_(minutes=14)
        with unit_of_work():
            assert circuit_breaker.probe_due() == 0
        time.pass_(minutes=2)
        receiver.answers = lambda _request: (200, {}, b"")
        with unit_of_work():
            assert circuit_breaker.probe_due() == 1
        send()
        assert endpoint.row.status == "enabled"
        assert {d.state for d in deliveries()} == {"delivered"}

    def test_fewer_failures_do_not_switch_off(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make
    ) -> None:
        endpoint = subscribe(receiver_with(failing(500)), concurrency=1)
        happen(24)
        send()
        assert endpoint.row.status == "enabled"

    def test_three_quarters_of_failures_do_not_switch_off(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make
    ) -> None:
        count = iter(range(10_000))
        endpoint = subscribe(receiver_with(lambda _r: (200 if next(count) % 4 == 0 else 500, {}, b"")), concurrency=1)
        happen(60)
        send()
        assert endpoint.row.status == "enabled"

    def test_secrets_of_another_secret_key_are_a_failed_attempt_that_says_so(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make
    ) -> None:
        endpoint = subscribe(receiver)
        with unit_of_work():
            db.session.execute(db.update(Endpoint).values(secret=seal(b"x")[:-4] + b"AAA="))
        happen()
        send()
        assert "another SECRET_KEY" in deliveries(endpoint)[0].error


def switch(endpoint: Subscribed, way: str) -> None:
    with unit_of_work():
        row = endpoints.find_for_update(endpoint.id, None)
        if way == "on":
            circuit_breaker.enable(row, actor="test")
        else:
            circuit_breaker.disable(row, "The ERP is being moved.", actor="test")


class TestDatabase:
    def test_results_survive_a_database_that_is_away_for_a_moment(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make, monkeypatch: Any
    ) -> None:
        subscribe(receiver)
        happen()
        finish, fails = sender_results.record_results, iter([True, True])

        def unlucky(results: Any) -> None:
            if results and next(fails, False):
                raise OperationalError("", {}, Exception("the server is restarting"))
            finish(results)

        monkeypatch.setattr(sender_results, "record_results", unlucky)
        send()
        assert len(receiver.requests) == 1
        assert deliveries()[0].state == "delivered"
