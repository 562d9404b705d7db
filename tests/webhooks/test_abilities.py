"""Webhooks are no other door to data: events need ``<domain>:read``, and a token limits the endpoint it made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import events
from app.accounts.models.accounts import User
from app.accounts.models.tokens import AccessToken
from app.accounts.tokens import service as tokens
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.endpoints import health
from app.webhooks.models.endpoints import TOKEN_ENDED, Endpoint
from tests.factories import a_sale, a_token
from tests.webhooks.fixtures import DELIVERIES, ENDPOINTS, PUBLIC_URL, Make, Subscribed, deliveries
from tests.webhooks.receivers import Receiver

MANAGE = "webhooks:manage"
READS = {"einvoice.*": "einvoices:read", "sales.*": "sales:read", "grn.*": "grn:read"}
READS |= {"provider_account.*": "einvoices:read"}
OFF, URL = {"enabled": False}, "https://8.8.4.4/other"

Holder = Callable[..., FlaskClient]


@pytest.fixture
def holder(anybody: FlaskClient, subscriber: User, app: Any) -> Holder:
    """Make a client with a scoped token of the subscriber."""

    def make(*abilities: str) -> FlaskClient:
        with unit_of_work():
            _, plain = a_token(db.session.merge(subscriber), abilities=list(abilities))
        client: FlaskClient = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {plain}"
        return client

    return make


def create(client: FlaskClient, *patterns: str) -> Any:
    return client.post(ENDPOINTS, json={"url": PUBLIC_URL, "events": list(patterns)})


@pytest.fixture
def import_sale(erp: FlaskClient, relayed: Callable[[], int]) -> Callable[[], None]:
    """Import a sales invoice and relay its event."""

    def run() -> None:
        assert erp.post("/api/sales/import/invoice/", json=a_sale()).status_code == 201
        relayed()

    return run


def direct_to(endpoint: Subscribed, token_id: int | None) -> None:
    """Make the endpoint one of a token."""
    with unit_of_work():
        db.session.get_one(Endpoint, endpoint.id).token_id = token_id


def newest_token() -> int:
    found: int = db.session.query(AccessToken.id).order_by(AccessToken.id.desc()).limit(1).scalar()
    return found


def test_every_event_names_the_ability_that_reads_its_data() -> None:
    for name, event_type in events.CATALOGUE.items():
        assert event_type.ability == READS.get(f"{name.partition('.')[0]}.*", MANAGE), name


class TestMaking:
    @pytest.mark.parametrize("pattern", list(READS))
    def test_needs_the_ability_of_each_event(self, holder: Holder, pattern: str) -> None:
        for patterns in ([pattern], [pattern.replace("*", "created").replace("sales.created", "sales.imported")]):
            refused = create(holder(MANAGE), *patterns)
            assert refused.status_code == 403, refused.text
            assert (refused.json["error"], refused.json["abilities"]) == ("ABILITY_MISSING", [READS[pattern]])
            assert create(holder(MANAGE, READS[pattern]), *patterns).status_code == 201

    def test_of_all_events_needs_all_abilities(self, holder: Holder) -> None:
        refused = create(holder(MANAGE, "sales:read", "events:read"), "*")
        assert (refused.status_code, refused.json["abilities"]) == (403, ["einvoices:read", "grn:read"])
        assert create(holder(MANAGE, *READS.values()), "*").status_code == 201

    def test_by_a_person_keeps_no_token(self, manager: FlaskClient, holder: Holder) -> None:
        assert create(manager, "*").status_code == 201
        assert create(holder(MANAGE, *READS.values()), "*").status_code == 201
        with unit_of_work():
            kept = [row.token_id for row in db.session.query(Endpoint).order_by(Endpoint.id)]
        assert kept == [None, newest_token()]


class TestChanging:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("patch", "", {"url": URL}),
            ("patch", "", {"events": ["webhook.test"]}),
            ("patch", "", {"headers": {"X-A": "b"}}),
            ("post", "/rotate", {}),
            ("post", "/enable", None),
            ("post", "/recover", {"since": "2026-01-01"}),
            ("get", "/events", None),
        ],
    )
    def test_needs_the_abilities_of_the_present_events(
        self, holder: Holder, subscribe: Make, receiver: Receiver, *, method: str, path: str, body: Any
    ) -> None:
        endpoint = subscribe(receiver, "sales.*")
        address = f"{ENDPOINTS}/{endpoint.id}{path}"
        refused = getattr(holder(MANAGE, "grn:read"), method)(address, json=body)
        assert (refused.status_code, refused.json["abilities"]) == (403, ["sales:read"])
        answer = getattr(holder(MANAGE, "sales:read"), method)(address, json=body)
        assert answer.status_code in {200, 202}, answer.text

    def test_to_further_events_needs_their_abilities(self, holder: Holder, subscribe: Make, receiver: Receiver) -> None:
        endpoint = subscribe(receiver, "sales.*")
        change = {"events": ["sales.*", "grn.*"]}
        answer = holder(MANAGE, "sales:read").patch(f"{ENDPOINTS}/{endpoint.id}", json=change)
        assert (answer.status_code, answer.json["abilities"]) == (403, ["grn:read"])

    def test_disabling_and_deleting_need_no_further_ability(
        self, holder: Holder, subscribe: Make, receiver: Receiver
    ) -> None:
        endpoint, client = subscribe(receiver, "sales.*"), holder(MANAGE)
        assert client.post(f"{ENDPOINTS}/{endpoint.id}/disable").status_code == 200
        assert client.delete(f"{ENDPOINTS}/{endpoint.id}").status_code == 204

    def test_who_directs_an_endpoint_gives_it_his_rights(
        self, holder: Holder, admin: FlaskClient, subscribe: Make, receiver: Receiver
    ) -> None:
        endpoint = subscribe(receiver, "sales.*")
        address = f"{ENDPOINTS}/{endpoint.id}"
        client = holder(MANAGE, "sales:read")
        assert client.patch(address, json={"description": "x"}).status_code == 200
        assert endpoint.row.token_id is None
        assert client.patch(address, json={"url": URL}).status_code == 200
        assert endpoint.row.token_id == newest_token()
        assert admin.post(f"{address}/enable").status_code == 200
        assert endpoint.row.token_id is None


class TestReading:
    def test_a_delivery_needs_the_ability_of_its_event(
        self, holder: Holder, subscribe: Make, receiver: Receiver, import_sale: Callable[[], None]
    ) -> None:
        subscribe(receiver, "sales.*")
        import_sale()
        [delivery] = deliveries()
        address = f"{DELIVERIES}/{delivery.id}"
        for answer in (holder(MANAGE).get(address), holder(MANAGE).post(f"{address}/redeliver")):
            assert (answer.status_code, answer.json["abilities"]) == (403, ["sales:read"])
        assert holder(MANAGE, "sales:read").get(address).json["request_body"]

    def test_a_pull_skips_earlier_events_of_other_kinds(
        self, holder: Holder, subscribe: Make, receiver: Receiver, import_sale: Callable[[], None]
    ) -> None:
        endpoint = subscribe(receiver, "sales.*")
        import_sale()
        with unit_of_work():
            db.session.get_one(Endpoint, endpoint.id).events = ["grn.*"]
        pulled = holder(MANAGE, "grn:read").get(f"{ENDPOINTS}/{endpoint.id}/events").json
        assert (pulled["data"], pulled["meta"]["next_after"]) == ([], 1)
        assert len(holder(MANAGE, *READS.values()).get(f"{ENDPOINTS}/{endpoint.id}/events").json["data"]) == 1


class TestDelivery:
    @pytest.mark.parametrize("ended", ["revoked", "expired"])
    def test_stops_with_the_token_and_goes_on_when_a_person_enables_it(
        self,
        holder: Holder,
        admin: FlaskClient,
        subscribe: Make,
        receiver: Receiver,
        import_sale: Callable[[], None],
        *,
        send: Callable[..., int],
        ended: str,
    ) -> None:
        endpoint = subscribe(receiver, "sales.*")
        holder(MANAGE, "sales:read")
        direct_to(endpoint, newest_token())
        import_sale()
        assert send() == 1
        import_sale()
        with unit_of_work():
            if ended == "revoked":
                tokens.revoke(newest_token(), scope=None, actor="a test")
            else:
                token = db.session.get_one(AccessToken, newest_token())
                token.expires_at = token.created_at
        assert send() == 0
        assert [delivery.state for delivery in deliveries()] == ["delivered", "pending"]
        assert admin.get(f"{ENDPOINTS}/{endpoint.id}").json["waiting_because"] == TOKEN_ENDED
        assert [one.endpoint.id for one in health.endpoint_health(None, 5).worst] == [endpoint.id]
        enabled = admin.post(f"{ENDPOINTS}/{endpoint.id}/enable")
        assert (enabled.status_code, enabled.json["waiting_because"]) == (200, None)
        assert not health.endpoint_health(None, 5).worst
        assert send() >= 1
        assert [delivery.state for delivery in deliveries()] == ["delivered", "delivered"]

    def test_a_token_receives_only_what_it_may_read(
        self, holder: Holder, subscribe: Make, receiver: Receiver, import_sale: Callable[[], None]
    ) -> None:
        endpoint = subscribe(receiver, "*")
        holder(MANAGE, "grn:read")
        direct_to(endpoint, newest_token())  # as one that was made before endpoints kept their token
        import_sale()
        assert deliveries() == []

    def test_waits_while_the_role_of_the_owner_has_no_webhooks(
        self,
        subscriber: User,
        subscribe: Make,
        receiver: Receiver,
        import_sale: Callable[[], None],
        *,
        send: Callable[..., int],
    ) -> None:
        subscribe(receiver, "sales.*")
        import_sale()
        for role, sent in (("billing", 0), ("integrator", 1)):
            with unit_of_work():
                db.session.get_one(User, subscriber.id).role = role
            assert send() == sent

    def test_an_admin_who_was_demoted_gets_no_rows_of_others(
        self,
        admin: Any,
        subscribe: Make,
        receiver: Receiver,
        create_einvoices: Make,
        send: Callable[..., int],
    ) -> None:
        endpoint = subscribe(receiver, "einvoice.*", user=admin.user)
        create_einvoices(1)
        create_einvoices(1, user=admin.user)
        foreign, own = deliveries(endpoint)
        with unit_of_work():
            db.session.get_one(User, admin.user.id).role = "integrator"
        assert send() == 1
        assert [row.state for row in deliveries(endpoint)] == ["pending", "delivered"]
        pulled = admin.get(f"{ENDPOINTS}/{endpoint.id}/events").json["data"]
        assert [row["delivery_id"] for row in pulled] == [own.id]
        assert admin.get(f"{DELIVERIES}/{own.id}").status_code == 200
        assert admin.get(f"{DELIVERIES}/{foreign.id}").status_code == 404
        assert admin.post(f"{DELIVERIES}/{foreign.id}/redeliver").status_code == 404
