"""The API of endpoints and deliveries: what may be set, who sees what, evidence, recovery."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts import modules
from app.extensions import db
from app.kernel import clock
from app.kernel.secret_box import unseal
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.deliveries import queries, retention
from app.webhooks.endpoints import secret_rotation
from app.webhooks.models.deliveries import Delivery
from app.webhooks.models.endpoints import Endpoint, ReceiverCheck
from tests.webhooks.fixtures import DELIVERIES, ENDPOINTS, MODULE, Clock, deliveries, manager_of
from tests.webhooks.receivers import Receiver

Make = Callable[..., Any]
PUBLIC = "https://8.8.8.8/hooks"


def made(client: FlaskClient, **facts: Any) -> dict[str, Any]:
    answer = client.post(ENDPOINTS, json={"url": PUBLIC, "events": ["einvoice.*"], **facts})
    assert answer.status_code == 201, answer.json
    return answer.json


def stored(endpoint_id: int) -> Endpoint:
    with unit_of_work():
        return db.session.get(Endpoint, endpoint_id, populate_existing=True)


class TestEndpoints:
    def test_a_new_one_shows_its_secret_once(self, manager: FlaskClient) -> None:
        first = made(manager, description="ERP", headers={"X-Key": "hush"}, metadata={"erp": "A-1"})
        assert first.pop("secret").startswith("whsec_")
        assert first["user_id"] == manager.user.id
        read = manager.get(f"{ENDPOINTS}/{first['id']}").json
        assert read == first
        assert read["header_names"] == ["X-Key"]
        assert read["metadata"] == {"erp": "A-1"}
        assert "hush" not in json.dumps(read)

    def test_secrets_and_headers_are_encrypted_at_rest_and_in_no_record(self, manager: FlaskClient) -> None:
        answer = manager.post(
            ENDPOINTS,
            json={"url": PUBLIC, "events": ["*"], "headers": {"X-Key": "hush-hush"}},
            headers={"Idempotency-Key": "once"},
        ).json
        again = manager.post(
            ENDPOINTS,
            json={"url": PUBLIC, "events": ["*"], "headers": {"X-Key": "hush-hush"}},
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

    def test_rotation_gives_a_new_secret_and_24_hours(self, manager: FlaskClient, time: Clock) -> None:
        first = made(manager)
        second = manager.post(f"{ENDPOINTS}/{first['id']}/rotate", json={}).json
        assert second["secret"] != first["secret"]
        assert second["previous_secret_until"] == clock.iso(time.moment + timedelta(hours=24))
        third = manager.post(f"{ENDPOINTS}/{first['id']}/rotate", json={"grace_hours": 0}).json
        assert third["previous_secret_until"] is None
        assert stored(first["id"]).previous_secret is None

    def test_only_what_is_sent_changes(self, manager: FlaskClient) -> None:
        first = made(manager, description="ERP", rate_per_minute=600, headers={"X-A": "1"})
        changed = manager.patch(f"{ENDPOINTS}/{first['id']}", json={"events": ["sales.*"], "concurrency": 3}).json
        expected = {"events": ["sales.*"], "concurrency": 3, "updated_at": changed["updated_at"]}
        del first["secret"]
        assert changed == {**first, **expected}
        assert manager.patch(f"{ENDPOINTS}/{first['id']}", json={"headers": None}).json["header_names"] == []

    def test_deleting_cancels_what_waits_and_keeps_the_evidence(
        self, manager: FlaskClient, receiver: Receiver, subscribe: Make, happen: Make, send: Make
    ) -> None:
        endpoint = subscribe(receiver, user=manager.user)
        happen(1, user=manager.user)
        send()
        happen(2, user=manager.user)
        assert manager.delete(f"{ENDPOINTS}/{endpoint.id}").status_code == 204
        assert manager.get(f"{ENDPOINTS}/{endpoint.id}").status_code == 404
        assert manager.get(ENDPOINTS).json["data"] == []
        assert send() == 0
        states = [row["state"] for row in manager.get(DELIVERIES).json["data"]]
        assert states == ["cancelled", "cancelled", "delivered"]
        assert stored(endpoint.id).secret == b""
        happen(1, user=manager.user)
        assert len(deliveries()) == 3

    def test_switching_off_takes_a_reason_and_on_takes_it_away(self, manager: FlaskClient) -> None:
        address = f"{ENDPOINTS}/{made(manager)['id']}"
        off = manager.post(f"{address}/disable", json={"reason": "The ERP moves."}).json
        assert (off["status"], off["reason"]) == ("disabled", "The ERP moves.")
        on = manager.post(f"{address}/enable").json
        assert (on["status"], on["reason"]) == ("enabled", None)

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"url": None}, "url"),
            ({"url": 7}, "url"),
            ({"url": " "}, "url"),
            ({"url": "https://8.8.8.8/\0"}, "url"),
            ({"events": []}, "events"),
            ({"events": ["einvoice.gone"]}, "events.0"),
            ({"events": ["einvoice.*", "einvoice.*"]}, "events"),
            ({"events": "einvoice.*"}, "events"),
            ({"events": [7]}, "events.0"),
            ({"concurrency": 0}, "concurrency"),
            ({"concurrency": 51}, "concurrency"),
            ({"rate_per_minute": 0}, "rate_per_minute"),
            ({"description": "x" * 501}, "description"),
            ({"metadata": "x"}, "metadata"),
            ({"metadata": {"x": "y" * 17_000}}, "metadata"),
            ({"secret": "mine"}, "secret"),
            ({"status": "enabled"}, "status"),
        ],
        ids=str,
    )
    def test_what_breaks_a_rule_is_named(self, manager: FlaskClient, facts: dict[str, Any], field: str) -> None:
        answer = manager.post(ENDPOINTS, json={"url": PUBLIC, "events": ["*"], **facts})
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == [field]

    @pytest.mark.parametrize(
        "allowances", [[{"cidr": "10.0.0.0/99", "port": 1}], [{"cidr": "x", "port": 1}], [{"cidr": "10.0.0.0/8"}], "x"]
    )
    def test_allowances_are_networks_and_ports(self, admin: FlaskClient, allowances: Any) -> None:
        answer = admin.post(ENDPOINTS, json={"url": PUBLIC, "events": ["*"], "allowances": allowances})
        assert answer.status_code == 422

    def test_pages_walk_all_endpoints(self, manager: FlaskClient) -> None:
        ids = [made(manager)["id"] for _ in range(5)]
        seen, cursor = [], None
        while True:
            query = {"per_page": 2, **({"cursor": cursor} if cursor else {})}
            page = manager.get(ENDPOINTS, query_string=query).json
            seen += [row["id"] for row in page["data"]]
            cursor = page["meta"]["next_cursor"]
            if cursor is None:
                break
        assert seen == ids[::-1]


class TestWhoMay:
    def test_the_module_is_asked_for(self, client_as: Make) -> None:
        client = client_as("integrator")
        answer = client.get(ENDPOINTS)
        assert (answer.status_code, answer.json["error"], answer.json["module"]) == (403, "MODULE_NOT_ENABLED", MODULE)

    def test_the_ability_is_asked_for(self, client_as: Make, anybody: FlaskClient) -> None:
        assert manager_of(client_as, "billing").get(ENDPOINTS).status_code == 403
        assert anybody.get(ENDPOINTS).json == {"message": "Unauthenticated."}

    def test_somebody_elses_is_not_found_and_an_admin_sees_all(
        self, manager: FlaskClient, admin: FlaskClient, client_as: Make, subscribe: Make, happen: Make
    ) -> None:
        stranger = manager_of(client_as, "integrator")
        endpoint = made(manager)["id"]
        happen(1, user=manager.user)
        (delivery,) = deliveries()
        paths = [
            ("get", f"{ENDPOINTS}/{endpoint}", None),
            ("patch", f"{ENDPOINTS}/{endpoint}", {"description": "x"}),
            ("post", f"{ENDPOINTS}/{endpoint}/rotate", {}),
            ("post", f"{ENDPOINTS}/{endpoint}/enable", None),
            ("post", f"{ENDPOINTS}/{endpoint}/disable", {}),
            ("post", f"{ENDPOINTS}/{endpoint}/test", None),
            ("post", f"{ENDPOINTS}/{endpoint}/check", None),
            ("get", f"{ENDPOINTS}/{endpoint}/checks/1", None),
            ("post", f"{ENDPOINTS}/{endpoint}/recover", {"since": "2026-01-01"}),
            ("get", f"{ENDPOINTS}/{endpoint}/events", None),
            ("get", f"{ENDPOINTS}/{endpoint}/reconciliation", None),
            ("get", f"{DELIVERIES}/{delivery.id}", None),
            ("post", f"{DELIVERIES}/{delivery.id}/redeliver", None),
            ("delete", f"{ENDPOINTS}/{endpoint}", None),
        ]
        for method, path, body in paths:
            answer = getattr(stranger, method)(path, json=body)
            assert (answer.status_code, answer.json) == (404, {"message": "Not Found."}), path
        assert stranger.get(ENDPOINTS).json["data"] == []
        assert stranger.get(DELIVERIES).json["data"] == []
        assert [row["id"] for row in admin.get(ENDPOINTS).json["data"]] == [endpoint]
        assert admin.get(f"{DELIVERIES}/{delivery.id}").status_code == 200


class TestEvidence:
    def test_a_delivery_shows_the_exact_request_and_answer(
        self, manager: FlaskClient, receiver: Receiver, subscribe: Make, happen: Make, send: Make
    ) -> None:
        subscribe(receiver, user=manager.user)
        happen(1, user=manager.user)
        send()
        (row,) = manager.get(DELIVERIES).json["data"]
        detail = manager.get(f"{DELIVERIES}/{row['id']}").json
        (attempt,) = detail["attempt_log"]
        (request,) = receiver.requests
        assert detail["request_body"].encode() == request.body
        assert attempt["request_headers"]["X-Webhook-Signature"] == request["X-Webhook-Signature"]
        assert (attempt["outcome"], attempt["response_status"]) == ("delivered", 204)
        assert detail["state"] == "delivered"

    def test_deliveries_are_found_by_event_invoice_endpoint_state_and_time(
        self, manager: FlaskClient, receiver_with: Make, subscribe: Make, happen: Make, send: Make
    ) -> None:
        one = subscribe(receiver_with(), user=manager.user)
        two = subscribe(receiver_with(lambda _request: (500, {}, b"")), user=manager.user)
        first, second = happen(2, user=manager.user)
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

    def test_pages_walk_all_deliveries(
        self, manager: FlaskClient, receiver: Receiver, subscribe: Make, happen: Make
    ) -> None:
        subscribe(receiver, user=manager.user)
        happen(7, user=manager.user)
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
    def test_a_wrong_filter_is_refused(self, manager: FlaskClient, query: str) -> None:
        assert manager.get(f"{DELIVERIES}?{query}").status_code == 422

    def test_a_test_is_delivered_by_the_same_way(
        self, manager: FlaskClient, receiver: Receiver, subscribe: Make, relayed: Make, send: Make
    ) -> None:
        endpoint = subscribe(receiver, user=manager.user)
        assert manager.post(f"{ENDPOINTS}/{endpoint.id}/test").status_code == 202
        relayed()
        send()
        assert receiver.requests[0]["X-Webhook-Event"] == "webhook.test"


class TestRecovery:
    def failed(self, happen: Make, send: Make, time: Clock, user: Any, count: int) -> None:
        for _ in range(count):
            happen(1, user=user)
            time.pass_(minutes=1)
        for _ in range(6):
            send()
            time.pass_(hours=13)

    def test_one_is_sent_again_with_the_same_bytes_and_a_full_round(
        self, *, manager: FlaskClient, receiver_with: Make, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        receiver = receiver_with(lambda _request: (500, {}, b""))
        subscribe(receiver, user=manager.user)
        self.failed(happen, send, time, manager.user, 1)
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

    def test_all_since_a_moment_are_sent_oldest_first_at_a_bounded_rate(
        self, *, manager: FlaskClient, receiver_with: Make, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        receiver = receiver_with(lambda _request: (500, {}, b""))
        endpoint = subscribe(receiver, user=manager.user)
        began = time.moment
        self.failed(happen, send, time, manager.user, 5)
        receiver.answers = lambda _request: (200, {}, b"")
        receiver.requests.clear()
        since = clock.iso(began + timedelta(seconds=90))
        answer = manager.post(f"{ENDPOINTS}/{endpoint.id}/recover", json={"since": since, "per_minute": 60})
        assert (answer.status_code, answer.json["count"]) == (202, 3)
        for _ in range(3):
            send()
            time.pass_(seconds=1)
        assert [request["X-Webhook-Sequence"] for request in receiver.requests] == ["3", "4", "5"]
        assert [d.state for d in deliveries()] == ["failed", "failed", "delivered", "delivered", "delivered"]

    def test_what_waits_or_is_on_its_way_is_not_sent_twice(
        self, manager: FlaskClient, receiver: Receiver, subscribe: Make, happen: Make, time: Clock
    ) -> None:
        subscribe(receiver, user=manager.user)
        happen(1, user=manager.user)
        (delivery,) = deliveries()
        answer = manager.post(f"{DELIVERIES}/{delivery.id}/redeliver")
        assert (answer.status_code, answer.json["error"]) == (409, "DELIVERY_WAITING")
        with unit_of_work():
            held = {"claim_id": delivery.event_id, "attempts": 1, "due_at": time.moment + timedelta(seconds=60)}
            db.session.execute(db.update(Delivery).values(**held))
        answer = manager.post(f"{DELIVERIES}/{delivery.id}/redeliver")
        assert (answer.status_code, answer.json["error"]) == (409, "DELIVERY_ON_ITS_WAY")

    def test_a_receiver_fetches_what_it_missed_by_position(
        self, manager: FlaskClient, receiver: Receiver, subscribe: Make, happen: Make
    ) -> None:
        endpoint = subscribe(receiver, user=manager.user)
        happen(2, user=manager.user)
        happen(1)
        happen(2, user=manager.user)
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

    def test_reconciliation_names_the_sequences_that_have_not_arrived(
        self, manager: FlaskClient, receiver_with: Make, subscribe: Make, happen: Make, send: Make
    ) -> None:
        bad = {"3", "4", "7"}
        receiver = receiver_with(lambda request: (500 if request["X-Webhook-Sequence"] in bad else 200, {}, b""))
        endpoint = subscribe(receiver, user=manager.user)
        happen(8, user=manager.user)
        send()
        report = manager.get(f"{ENDPOINTS}/{endpoint.id}/reconciliation").json
        assert [(gap["first"], gap["last"]) for gap in report["gaps"]] == [(3, 4), (7, 7)]
        assert (report["complete_through"], report["last_sequence"]) == (2, 8)
        assert (report["delivered"], report["pending"], report["failed"]) == (5, 3, 0)


class TestKeeping:
    def test_what_is_settled_and_old_goes_and_what_waits_stays(
        self, receiver_with: Make, subscribe: Make, happen: Make, send: Make, time: Clock
    ) -> None:
        subscribe(receiver_with())
        waiting = subscribe(receiver_with(lambda _request: (500, {}, b"")))
        happen(2)
        send()
        time.pass_(days=89)
        assert retention.purge() == 0
        time.pass_(days=2)
        happen(1)
        assert retention.purge() == 2
        assert {d.endpoint_id for d in deliveries() if d.position < 3} == {waiting.id}
        happen(1)
        assert [d.sequence for d in deliveries()] == [3, 4, 1, 2, 3, 4]

    def test_a_new_secret_key_opens_secrets_after_resealing(
        self, app_with: Make, receiver: Receiver, subscribe: Make, settings: Any
    ) -> None:
        endpoint = subscribe(receiver, headers={"X-A": "1"})
        other = app_with(secret_key="another secret of the tests, long enough too")
        with other.app_context():
            with unit_of_work():
                assert secret_rotation.reseal_secrets("a wrong guess of the old key, long enough") == 0
                assert secret_rotation.reseal_secrets(settings.secret_key) == 1
            assert unseal(db.session.get(Endpoint, endpoint.id).secret).decode() == endpoint.secret
            with unit_of_work():
                assert secret_rotation.reseal_secrets(settings.secret_key) == 0

    def test_what_an_invoices_page_shows_is_one_search(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make
    ) -> None:
        subscribe(receiver)
        first, _ = happen(2)
        send()
        with unit_of_work():
            (row,) = queries.find_page({"per_page": 50, "event": "einvoice.*", "subject_id": first.id}, None)["data"]
        assert row.endpoint.url == receiver.url


def test_only_one_check_runs_at_a_time(manager: FlaskClient) -> None:
    endpoint = made(manager)["id"]
    first = manager.post(f"{ENDPOINTS}/{endpoint}/check")
    assert (first.status_code, first.json["state"]) == (202, "pending")
    second = manager.post(f"{ENDPOINTS}/{endpoint}/check")
    assert (second.status_code, second.json["error"]) == (409, "CHECK_RUNNING")
    with unit_of_work():
        assert db.session.query(ReceiverCheck).count() == 1


def test_an_ended_module_stops_the_surface(manager: FlaskClient) -> None:
    with unit_of_work():
        modules.disable(manager.user, MODULE, actor="test")
    assert manager.get(DELIVERIES).status_code == 403
