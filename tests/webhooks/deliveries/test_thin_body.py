"""Thin bodies: large events are sent with ids and totals, marked, signed and frozen."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import standardwebhooks
from flask.testing import FlaskClient

from app.kernel import json as hub_json
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.deliveries.thin_body import thin_body
from app.webhooks.endpoints import service as endpoints
from app.webhooks.models.endpoints import DEFAULT_BODY_BYTES, MIN_BODY_BYTES
from tests.webhooks.fixtures import DELIVERIES, ENDPOINTS, FakeClock, Make, deliveries, post_endpoint
from tests.webhooks.receivers import Receiver, answering

METADATA = {"note": "ş" * 3000}
LARGE = {"extra": METADATA}


def an_event(subject: dict[str, Any], **data: Any) -> str:
    event = {
        "event": "sales.imported",
        "id": "6f2c1c1e-3c1b-4a53-9d3e-6f0a2b8f9a11",
        "created_at": "2026-02-01T12:00:00Z",
    }
    return hub_json.encode_text({**event, "data": {"invoice": subject, **data}})


def test_it_keeps_ids_totals_and_short_fields_and_names_the_address_of_the_event() -> None:
    subject = {
        "id": 7, "invoice_no": "A-1", "status": "CREATED", "total_amount": 920.5, "hold": None,
        "totals": {"grand_total": 1.25, "lines": [1, 2]}, "remarks": "x" * 201, "items": [{"id": 1}] * 50,
        "metadata": {"a": 1},
    }  # fmt: skip
    thin = json.loads(thin_body(an_event(subject, step="picked", user={"id": 2}), 4711, DEFAULT_BODY_BYTES))
    assert list(thin) == ["event", "id", "created_at", "truncated", "url", "data"]
    assert (thin["truncated"], thin["url"]) == (True, "/api/v1/events?after=4710&limit=1")
    assert thin["data"] == {
        "invoice": {
            "id": 7, "invoice_no": "A-1", "status": "CREATED", "total_amount": 920.5, "hold": None,
            "totals": {"grand_total": 1.25},
        },
        "user": {"id": 2}, "step": "picked",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({f"text_{n}": "ş" * 200 for n in range(9)}, {"id": 7, "total": 5}),
        ({f"number_{n}": 10**18 for n in range(90)}, {"id": 7}),
    ],
)
def test_it_always_fits_into_the_smallest_limit(fields: dict[str, Any], kept: dict[str, Any]) -> None:
    thin = thin_body(an_event({"id": 7, "total": 5, **fields}), 10**18, MIN_BODY_BYTES)
    assert len(thin.encode()) <= MIN_BODY_BYTES
    assert json.loads(thin)["data"] == {"invoice": kept}


def test_a_large_event_is_sent_thin_and_signed_as_sent(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    endpoint = subscribe(receiver, max_body_bytes=2000)
    create_einvoices()
    (draft,) = create_einvoices(**LARGE)
    send()
    small, thin = sorted((request.body for request in receiver.requests), key=lambda body: b"truncated" in body)
    assert json.loads(small)["data"]["einvoice"]["metadata"] is None
    assert len(thin) <= 2000
    body = json.loads(thin)
    assert body["truncated"] is True
    assert body["data"]["einvoice"]["id"] == draft.id
    assert body["data"]["einvoice"]["totals"]["currency"]
    for request in receiver.requests:
        standardwebhooks.Webhook(endpoint.secret).verify(request.body, request.headers)
        assert request["Content-Length"] == str(len(request.body))


def test_the_limit_counts_bytes_and_is_inclusive(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    endpoint = subscribe(receiver)
    create_einvoices(**LARGE)
    send()
    size = len(receiver.requests[0].body)
    assert size > 6000  # bytes; as characters it is below the limits that follow
    for limit, is_thin in ((size, False), (size - 1, True), (4000, True)):
        with unit_of_work():
            endpoints.change(endpoint.id, {"max_body_bytes": limit}, None, actor="test", may_allow=True)
        create_einvoices(**LARGE)
        send()
        assert ("truncated" in json.loads(receiver.requests[-1].body)) is is_thin, limit


def test_every_attempt_sends_the_same_bytes_whatever_becomes_of_the_limit(
    *, start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make, fake_clock: FakeClock
) -> None:
    receiver = start_receiver(answering(503))
    endpoint = subscribe(receiver, max_body_bytes=1024)
    create_einvoices(**LARGE)
    send()
    with unit_of_work():
        endpoints.change(endpoint.id, {"max_body_bytes": 32 * 1024 * 1024}, None, actor="test", may_allow=True)
    fake_clock.advance(minutes=5)
    send()
    first, second = receiver.requests
    assert first.body == second.body
    assert json.loads(first.body)["truncated"] is True


def test_the_address_of_a_thin_body_returns_the_whole_event(
    manager: Any, client_as: Callable[..., FlaskClient], create_einvoices: Make
) -> None:
    endpoint = post_endpoint(manager, max_body_bytes=1024)
    assert endpoint["max_body_bytes"] == 1024
    create_einvoices(2, user=manager.user, **LARGE)
    _, delivery = deliveries()
    detail = manager.get(f"{DELIVERIES}/{delivery.id}").json
    sent = json.loads(detail["request_body"])
    (whole,) = manager.get(sent["url"]).json["data"]
    assert (whole["id"], whole["data"]["einvoice"]["metadata"]) == (sent["id"], METADATA)
    pulled = manager.get(f"{ENDPOINTS}/{endpoint['id']}/events").json["data"][1]
    assert pulled["body"]["data"] == whole["data"]


@pytest.mark.parametrize("value", [1023, 33_554_433, 0, -1, "many", 1024.5, None])
def test_a_wrong_limit_is_refused(manager: FlaskClient, value: Any) -> None:
    fields = {"url": "https://8.8.8.8/hooks", "events": ["*"], "max_body_bytes": value}
    answer = manager.post(ENDPOINTS, json=fields)
    assert answer.status_code == 422, answer.json
    assert "max_body_bytes" in str(answer.json)


def test_the_default_limit_is_256_kib(manager: FlaskClient) -> None:
    assert post_endpoint(manager)["max_body_bytes"] == 256 * 1024
