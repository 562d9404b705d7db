"""API of endpoints: create, change, delete, rotate, disable, test, check."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from app.kernel import clock
from app.kernel.secret_box import unseal
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.models.endpoints import Endpoint, ReceiverCheck
from tests.webhooks.fixtures import DELIVERIES, ENDPOINTS, PUBLIC_URL, FakeClock, Make, deliveries, post_endpoint
from tests.webhooks.receivers import Receiver


def stored(endpoint_id: int) -> Endpoint:
    with unit_of_work():
        return db.session.get(Endpoint, endpoint_id, populate_existing=True)


def test_a_new_endpoint_shows_its_secret_once(manager: FlaskClient) -> None:
    first = post_endpoint(manager, description="ERP", headers={"X-Key": "hush"}, metadata={"erp": "A-1"})
    assert first.pop("secret").startswith("whsec_")
    assert first["user_id"] == manager.user.id
    read = manager.get(f"{ENDPOINTS}/{first['id']}").json
    assert read == first
    assert read["header_names"] == ["X-Key"]
    assert read["metadata"] == {"erp": "A-1"}
    assert "hush" not in json.dumps(read)


def test_secrets_and_headers_are_encrypted_in_every_table(manager: FlaskClient) -> None:
    answer = manager.post(
        ENDPOINTS,
        json={"url": PUBLIC_URL, "events": ["*"], "headers": {"X-Key": "hush-hush"}},
        headers={"Idempotency-Key": "once"},
    ).json
    again = manager.post(
        ENDPOINTS,
        json={"url": PUBLIC_URL, "events": ["*"], "headers": {"X-Key": "hush-hush"}},
        headers={"Idempotency-Key": "once"},
    )
    assert again.json == answer
    assert again.headers["Idempotent-Replayed"] == "true"
    row = stored(answer["id"])
    assert unseal(row.secret).decode() == answer["secret"]
    for table in ("webhook_endpoints", "audit_entries", "idempotency_keys"):
        everything = db.session.execute(text(f"SELECT * FROM {table}")).all()
        assert everything
        shown = "".join(bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else str(v)
                        for found in everything for v in found)  # fmt: skip
        assert answer["secret"] not in shown
        assert "hush-hush" not in shown


def test_rotation_creates_a_secret_and_keeps_the_old_one_for_24_hours(
    manager: FlaskClient, fake_clock: FakeClock
) -> None:
    first = post_endpoint(manager)
    second = manager.post(f"{ENDPOINTS}/{first['id']}/rotate", json={}).json
    assert second["secret"] != first["secret"]
    assert second["previous_secret_until"] == clock.iso(fake_clock.moment + timedelta(hours=24))
    third = manager.post(f"{ENDPOINTS}/{first['id']}/rotate", json={"grace_hours": 0}).json
    assert third["previous_secret_until"] is None
    assert stored(first["id"]).previous_secret is None


def test_a_change_keeps_the_fields_that_are_not_sent(manager: FlaskClient) -> None:
    first = post_endpoint(manager, description="ERP", rate_per_minute=600, headers={"X-A": "1"})
    changed = manager.patch(f"{ENDPOINTS}/{first['id']}", json={"events": ["sales.*"], "concurrency": 3}).json
    expected = {"events": ["sales.*"], "concurrency": 3, "updated_at": changed["updated_at"]}
    del first["secret"]
    assert changed == {**first, **expected}
    assert manager.patch(f"{ENDPOINTS}/{first['id']}", json={"headers": None}).json["header_names"] == []


def test_deletion_cancels_waiting_deliveries_and_keeps_finished_ones(
    manager: FlaskClient, receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    endpoint = subscribe(receiver, user=manager.user)
    create_einvoices(1, user=manager.user)
    send()
    create_einvoices(2, user=manager.user)
    assert manager.delete(f"{ENDPOINTS}/{endpoint.id}").status_code == 204
    assert manager.get(f"{ENDPOINTS}/{endpoint.id}").status_code == 404
    assert manager.get(ENDPOINTS).json["data"] == []
    assert send() == 0
    states = [row["state"] for row in manager.get(DELIVERIES).json["data"]]
    assert states == ["cancelled", "cancelled", "delivered"]
    assert stored(endpoint.id).secret == b""
    create_einvoices(1, user=manager.user)
    assert len(deliveries()) == 3


def test_disabling_stores_a_reason_and_enabling_removes_it(manager: FlaskClient) -> None:
    address = f"{ENDPOINTS}/{post_endpoint(manager)['id']}"
    off = manager.post(f"{address}/disable", json={"reason": "The ERP moves."}).json
    assert (off["status"], off["reason"]) == ("disabled", "The ERP moves.")
    on = manager.post(f"{address}/enable").json
    assert (on["status"], on["reason"]) == ("enabled", None)


def test_pages_list_all_endpoints(manager: FlaskClient) -> None:
    ids = [post_endpoint(manager)["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        query = {"per_page": 2, **({"cursor": cursor} if cursor else {})}
        page = manager.get(ENDPOINTS, query_string=query).json
        seen += [row["id"] for row in page["data"]]
        cursor = page["meta"]["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


def test_a_refused_url_is_explained(manager: FlaskClient, dns: dict[str, list[str]]) -> None:
    dns["erp.example.com"] = ["10.0.0.5"]
    answer = manager.post(ENDPOINTS, json={"url": "https://erp.example.com/hooks", "events": ["*"]})
    assert answer.status_code == 422
    sentence = (
        "erp.example.com leads to 10.0.0.5, which is refused: private network (RFC 1918), 10.0.0.0/8. "
        "An admin may allow it."
    )
    assert answer.json == {"message": sentence, "errors": {"url": [sentence]}}


def test_a_changed_url_is_validated_again(manager: FlaskClient) -> None:
    made = manager.post(ENDPOINTS, json={"url": "https://8.8.8.8/", "events": ["*"]}).json
    answer = manager.patch(f"{ENDPOINTS}/{made['id']}", json={"url": "https://127.0.0.1/"})
    assert answer.status_code == 422
    assert "loopback" in answer.json["message"]


def test_only_admins_allow_addresses_and_the_change_is_audited(
    manager: FlaskClient, admin: FlaskClient, dns: dict[str, list[str]]
) -> None:
    made = manager.post(ENDPOINTS, json={"url": "https://8.8.8.8/", "events": ["*"]}).json
    address = f"{ENDPOINTS}/{made['id']}"
    change = {"url": "http://10.1.2.3:8080/", "allowances": [{"cidr": "10.1.2.0/24", "port": 8080}]}
    answer = manager.patch(address, json=change)
    assert (answer.status_code, answer.json["error"]) == (403, "ADMIN_ONLY")
    answer = admin.patch(address, json=change)
    assert (answer.status_code, answer.json["url"]) == (200, "http://10.1.2.3:8080/")
    entry = db.session.scalars(db.select(AuditEntry).where(AuditEntry.action.like("%allowances_changed"))).one()
    assert entry.details["after"] == [{"cidr": "10.1.2.0/24", "port": 8080}]


def test_a_test_event_is_delivered_like_other_events(
    manager: FlaskClient, receiver: Receiver, subscribe: Make, relayed: Make, send: Make
) -> None:
    endpoint = subscribe(receiver, user=manager.user)
    assert manager.post(f"{ENDPOINTS}/{endpoint.id}/test").status_code == 202
    relayed()
    send()
    assert receiver.requests[0]["X-Webhook-Event"] == "webhook.test"


def test_only_one_check_of_an_endpoint_runs_at_a_time(manager: FlaskClient) -> None:
    endpoint = post_endpoint(manager)["id"]
    first = manager.post(f"{ENDPOINTS}/{endpoint}/check")
    assert (first.status_code, first.json["state"]) == (202, "pending")
    second = manager.post(f"{ENDPOINTS}/{endpoint}/check")
    assert (second.status_code, second.json["error"]) == (409, "CHECK_RUNNING")
    with unit_of_work():
        assert db.session.query(ReceiverCheck).count() == 1


def test_a_user_has_a_limited_number_of_endpoints(manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(manager.application.config, "WEBHOOK_ENDPOINTS_PER_USER", 2)
    first, _ = post_endpoint(manager), post_endpoint(manager)
    refused = manager.post(ENDPOINTS, json={"url": PUBLIC_URL, "events": ["*"]})
    assert refused.status_code == 409
    assert refused.json == {
        "message": "This user has as many webhook endpoints as it may have; delete one first.",
        "error": "TOO_MANY_ENDPOINTS",
    }
    assert manager.delete(f"{ENDPOINTS}/{first['id']}").status_code == 204
    post_endpoint(manager)
