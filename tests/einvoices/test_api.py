"""The e-invoice API: parts of the detail, error envelopes, idempotency keys."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.einvoices.helpers import URL, create_issued
from tests.factories import a_draft


def test_the_detail_includes_the_requested_parts(owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    path = f"{URL}/{einvoice['id']}"
    plain = owner.get(path).json
    assert "items" in plain
    assert "events" not in plain
    both = owner.get(f"{path}?include_items=1&include_events=1").json
    assert [event["type"] for event in both["events"]] == ["created", "issued"]
    assert set(both["events"][0]) == {"id", "type", "payload", "created_at"}
    item = {"id", "sku", "name", "quantity", "unit_price", "vat_rate", "vat_amount", "discount_amount", "total"}
    assert set(both["items"][0]) == item
    assert "items" not in owner.get(f"{path}?include_items=false").json
    assert owner.get(f"{path}?include_items=maybe").status_code == 422


def test_every_error_has_the_documented_envelope(owner: FlaskClient, erp: FlaskClient) -> None:
    assert owner.get(f"{URL}/{2**70}").json == {"message": "Not Found."}
    assert owner.delete(URL).status_code == 405
    assert set(owner.delete(URL).json) == {"message"}
    assert owner.post(URL, data="{", content_type="application/json").status_code == 400
    assert owner.post(URL, data="x", content_type="text/plain").status_code == 415
    assert erp.get(URL).json == {"message": "This action is unauthorized."}


def test_the_same_idempotency_key_creates_one_draft(owner: FlaskClient) -> None:
    body = a_draft()
    twice = [owner.post(URL, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert twice[0].json["id"] == twice[1].json["id"]
    assert twice[1].headers["Idempotent-Replayed"] == "true"


def test_at_most_a_hundred_errors_are_shown_and_the_last_entry_counts_the_others(owner: FlaskClient) -> None:
    answer = owner.post(URL, json={"items": [0] * 1000})
    assert answer.status_code == 422
    assert len(answer.json["errors"]) == 101
    assert answer.json["errors"][""][0].endswith("more errors are not shown, and 900 values were not checked.")
    assert len(owner.post(URL, json={"items": [0] * 500_000}).json["errors"]) == 2
