"""API of deliveries: search and read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.kernel import clock
from app.webhooks.deliveries import queries
from tests.webhooks.fixtures import DELIVERIES, Make, deliveries
from tests.webhooks.receivers import Receiver


def test_a_delivery_shows_the_exact_request_and_response(
    manager: FlaskClient, receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    subscribe(receiver, user=manager.user)
    create_einvoices(1, user=manager.user)
    send()
    (row,) = manager.get(DELIVERIES).json["data"]
    detail = manager.get(f"{DELIVERIES}/{row['id']}").json
    (attempt,) = detail["attempt_log"]
    (request,) = receiver.requests
    assert detail["request_body"].encode() == request.body
    assert attempt["request_headers"]["X-Webhook-Signature"] == request["X-Webhook-Signature"]
    assert (attempt["outcome"], attempt["response_status"]) == ("delivered", 204)
    assert detail["state"] == "delivered"


def test_a_delivery_shows_its_newest_attempts(
    manager: FlaskClient, receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    subscribe(receiver, user=manager.user)
    create_einvoices(1, user=manager.user)
    send()
    [delivery] = deliveries()
    for _ in range(2):
        assert manager.post(f"{DELIVERIES}/{delivery.id}/redeliver").status_code == 202
        send()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "MAX_ATTEMPTS", 2)
        shown = manager.get(f"{DELIVERIES}/{delivery.id}").json["attempt_log"]
    assert [attempt["number"] for attempt in shown] == [2, 3]


def test_deliveries_are_filtered_by_event_invoice_endpoint_state_and_time(
    manager: FlaskClient, start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    one = subscribe(start_receiver(), user=manager.user)
    two = subscribe(start_receiver(lambda _request: (500, {}, b"")), user=manager.user)
    first, second = create_einvoices(2, user=manager.user)
    send()
    everything = {d.id for d in deliveries()}
    an_event = str(deliveries()[0].event_id)

    def found(**query: Any) -> int:
        answer = manager.get(DELIVERIES, query_string=query)
        assert answer.status_code == 200, answer.json
        assert {row["id"] for row in answer.json["data"]} <= everything
        return len(answer.json["data"])

    assert found() == 4
    assert found(endpoint_id=one.id) == 2
    assert found(subject_id=first.id, event="einvoice.*") == 2
    assert found(subject_id=second.id, event="sales.*") == 0
    assert found(state="delivered") == found(endpoint_id=one.id, state="delivered") == 2
    assert found(response_status=500) == found(endpoint_id=two.id)
    assert found(event_id=an_event) == 2
    assert found(sequence=2) == 2
    assert found(reference="EA-2026-000001") == 0
    assert found(since=clock.iso(datetime.now(UTC) + timedelta(minutes=1))) == 0
    assert found(until=clock.iso(datetime.now(UTC) + timedelta(minutes=1))) == 4


def test_pages_list_all_deliveries(
    manager: FlaskClient, receiver: Receiver, subscribe: Make, create_einvoices: Make
) -> None:
    subscribe(receiver, user=manager.user)
    create_einvoices(7, user=manager.user)
    first = manager.get(DELIVERIES, query_string={"per_page": 5}).json
    second = manager.get(DELIVERIES, query_string={"per_page": 5, "cursor": first["meta"]["next_cursor"]}).json
    assert [row["sequence"] for row in first["data"] + second["data"]] == [7, 6, 5, 4, 3, 2, 1]
    assert second["meta"]["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        "state=gone",
        "event=gone",
        "event_id=7",
        "since=yesterday",
        "per_page=101",
        "cursor=x",
        "subject_id=0",
        "x=1",
    ],
)
def test_an_invalid_filter_is_refused(manager: FlaskClient, query: str) -> None:
    assert manager.get(f"{DELIVERIES}?{query}").status_code == 422
