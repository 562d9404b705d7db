"""Attempts: body, headers, signatures, stored request and response."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import pytest
import standardwebhooks
from sqlalchemy import text

from app.extensions import db
from app.kernel.secret_box import seal
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.endpoints import service as endpoints
from app.webhooks.models.endpoints import Endpoint
from tests.webhooks.fixtures import FakeClock, Make, attempts_of, deliveries
from tests.webhooks.receivers import Receiver, answering


def test_the_body_is_the_stored_event_in_the_format_of_the_document(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    endpoint = subscribe(receiver)
    (draft,) = create_einvoices()
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


def test_headers_describe_the_event_and_the_attempt(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    subscribe(receiver, headers={"X-Api-Key": "k3J"})
    create_einvoices(2)
    send()
    first, second = sorted(receiver.requests, key=lambda request: request["X-Webhook-Sequence"])
    assert first["X-Webhook-Event"] == "einvoice.created"
    assert first["X-Webhook-Id"] == json.loads(first.body)["id"] == first["webhook-id"]
    assert first["X-Webhook-Attempt"] == "1"
    assert [first["X-Webhook-Sequence"], second["X-Webhook-Sequence"]] == ["1", "2"]
    assert first["Content-Type"] == "application/json"
    assert first["X-Api-Key"] == "k3J"
    assert first["Host"] == f"127.0.0.1:{receiver.port}"


def test_the_documents_signature_is_an_hmac_of_timestamp_and_body(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    endpoint = subscribe(receiver)
    create_einvoices()
    send()
    (request,) = receiver.requests
    signed = request["X-Webhook-Timestamp"].encode() + b"." + request.body
    expected = hmac.new(endpoint.secret.encode(), signed, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(expected, request["X-Webhook-Signature"])
    assert abs(int(request["X-Webhook-Timestamp"]) - time.time()) < 10


def test_the_official_python_library_verifies_the_request(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    endpoint = subscribe(receiver)
    create_einvoices(buyer={"name": "Ayşe Yılmaz 😀"})
    send()
    (request,) = receiver.requests
    verified = standardwebhooks.Webhook(endpoint.secret).verify(request.body, request.headers)
    assert verified == json.loads(request.body)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(endpoint.secret).verify(request.body + b" ", request.headers)


def test_for_24_hours_after_a_rotation_both_secrets_verify(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make, fake_clock: FakeClock
) -> None:
    endpoint = subscribe(receiver)
    with unit_of_work():
        new = endpoints.rotate(endpoint.id, 24, None, actor="test").secret
    create_einvoices()
    send()
    fake_clock.advance(hours=24)
    create_einvoices()
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


def test_an_attempt_stores_the_exact_request_and_2_kib_of_the_response(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    headers = {"X-Trace": "t-1", "X-Odd": "a\0b"}
    receiver = start_receiver(lambda _request: (500, headers, b"\x00\xffno" + b"x" * 100_000))
    subscribe(receiver, headers={"Authorization": "Bearer hush"})
    create_einvoices()
    send()
    (attempt,) = attempts_of(deliveries()[0])
    assert attempt.response_status == 500
    assert attempt.response_headers["X-Trace"] == "t-1"
    assert attempt.response_headers["X-Odd"] == "a\N{REPLACEMENT CHARACTER}b"
    assert attempt.response_body.startswith("\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}no")
    assert 2000 < len(attempt.response_body) <= 2048
    assert attempt.address == "127.0.0.1"
    assert attempt.request_headers.pop("Authorization") == "•••"
    (request,) = receiver.requests
    assert attempt.request_headers == {name: request[name] for name in attempt.request_headers}


def test_a_redirect_is_not_followed(start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make) -> None:
    elsewhere = start_receiver()
    subscribe(start_receiver(answering(307, Location=elsewhere.url)))
    create_einvoices()
    send()
    assert elsewhere.requests == []
    assert deliveries()[0].error == "The receiver answered 307; redirects are not followed."


def test_an_attempt_fails_if_the_secret_cannot_be_decrypted(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    endpoint = subscribe(receiver)
    with unit_of_work():
        db.session.execute(db.update(Endpoint).values(secret=seal(b"x")[:-4] + b"AAA="))
    create_einvoices()
    send()
    assert "another SECRET_KEY" in deliveries(endpoint)[0].error
