"""Accounts: created, tested, changed, archived; of their owner only; addresses inside the network are refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.models.accounts import AuditEntry
from app.einvoices.lifecycle import drafts
from app.einvoices.provider_accounts import archived_work
from app.einvoices.providers import outbox
from app.einvoices.schemas.einvoices import EinvoiceDraftSchema
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.secret_box import unseal
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import URL, create_draft, create_issued, fetch_detail, perform, stored_sendings
from tests.einvoices.provider_accounts.helpers import ACCOUNTS, loopback
from tests.einvoices.providers.provider_server import DROP, StoringProvider
from tests.factories import a_draft

NULL = {"name": "Nobody", "adapter": "null"}
PUBLIC = {"name": "Public", "adapter": "http", "url": "https://8.8.8.8/take"}


def stored() -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(text("SELECT * FROM provider_accounts ORDER BY id")))


def audited() -> list[Any]:
    with db.engine.connect() as connection:
        of_accounts = db.select(AuditEntry.__table__).where(AuditEntry.action.like("provider_account%"))
        return list(connection.execute(of_accounts.order_by(AuditEntry.id)))


def test_secrets_are_shown_once_or_never(owner: FlaskClient) -> None:
    made = owner.post(ACCOUNTS, json={**PUBLIC, "token": "my-provider-token", "metadata": {"a": 1}})
    assert made.status_code == 201, made.json
    assert made.json["callback_secret"].startswith("whsec_")
    assert (made.json["state"], made.json["has_token"]) == ("untested", True)
    account_id, [row] = made.json["id"], stored()
    assert unseal(row.token) == b"my-provider-token"
    for answer in (
        owner.get(f"{ACCOUNTS}/{account_id}"),
        owner.get(ACCOUNTS),
        owner.patch(f"{ACCOUNTS}/{account_id}", json={"token": "another-token"}),
    ):
        assert answer.status_code == 200
        assert "token" not in answer.text.replace("has_token", "")
        assert "whsec_" not in answer.text
    assert b"token" not in repr(row).replace("my-provider-token", "").encode() or b"my-provider-token" not in row.token
    assert "another-token" not in repr(audited())
    assert owner.patch(f"{ACCOUNTS}/{account_id}", json={"token": "zeile\n"}).status_code == 422
    assert owner.patch(f"{ACCOUNTS}/{account_id}", json={"token": None}).json["has_token"] is False


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "https://10.0.0.5/x"}, "url"),
        ({"lookup_url": "https://169.254.169.254/x"}, "lookup_url"),
        ({"url": "http://8.8.8.8/x"}, "url"),
        ({"url": ""}, "url"),
        ({"adapter": "telex"}, "adapter"),
        ({"mode": "maybe"}, "mode"),
        ({"concurrency": 0}, "concurrency"),
        ({"rate_per_minute": 0}, "rate_per_minute"),
        ({"mapping": {"x": "sent"}}, "mapping"),
        ({"mapping": {"": "accepted"}}, "mapping"),
        ({"mapping": {"x": ["accepted"]}}, "mapping"),
        ({"mapping": "usual"}, "mapping"),
        ({"name": " "}, "name"),
        ({"color": "red"}, "color"),
    ],
)
def test_wrong_settings_are_refused_by_field(owner: FlaskClient, changes: dict[str, Any], field: str) -> None:
    answer = owner.post(ACCOUNTS, json={**PUBLIC, **changes})
    assert answer.status_code == 422, answer.json
    assert field in answer.json["errors"]
    assert stored() == []


def test_only_an_admin_in_person_allows_addresses(
    owner: FlaskClient, admin: FlaskClient, store: StoringProvider
) -> None:
    inside = {"name": "Inside", "adapter": "http", **loopback(store)}
    assert owner.post(ACCOUNTS, json=inside).status_code == 403
    without = {**inside, "allowances": []}
    assert admin.post(ACCOUNTS, json=without).json["errors"]["url"][0].startswith("127.0.0.1 is refused: loopback")
    assert admin.post(ACCOUNTS, json=inside).status_code == 201


def test_the_accounts_of_others_are_missing(owner_as: Callable[..., FlaskClient]) -> None:
    mine, other = owner_as(), owner_as("billing")
    account_id = mine.post(ACCOUNTS, json=NULL).json["id"]
    url = f"{ACCOUNTS}/{account_id}"
    assert other.get(ACCOUNTS).json["data"] == []
    answers = [other.get(url), other.patch(url, json={"name": "x"}), other.delete(url), other.post(f"{url}/test")]
    assert {answer.status_code for answer in answers} == {404}
    answer = other.post(URL, json={"buyer": {"name": "B"}, "items": [], "provider_account_id": account_id})
    assert answer.status_code == 422
    refused = other.patch(f"{URL}/{create_draft(other)['id']}", json={"provider_account_id": account_id})
    assert refused.json["errors"] == {"provider_account_id": ["You have no provider account with this id."]}


def test_names_and_numbers_of_accounts_are_limited(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(owner.application.config, "PROVIDER_ACCOUNTS_PER_USER", 2)
    assert owner.post(ACCOUNTS, json=NULL).status_code == 201
    assert owner.post(ACCOUNTS, json=NULL).json["error"] == "ACCOUNT_NAME_TAKEN"
    assert owner.post(ACCOUNTS, json={**NULL, "name": "B"}).status_code == 201
    assert owner.post(ACCOUNTS, json={**NULL, "name": "C"}).json["error"] == "TOO_MANY_ACCOUNTS"


def test_a_mode_has_one_default_and_drafts_get_it(owner: FlaskClient) -> None:
    tried = owner.post(ACCOUNTS, json={**NULL, "mode": "test", "is_default": True}).json["id"]
    assert create_draft(owner)["provider_account_id"] == tried
    first, second = (
        owner.post(ACCOUNTS, json={**NULL, "name": name, "adapter": "simulator", "is_default": True}).json["id"]
        for name in "AB"
    )
    assert [row.is_default for row in stored()] == [True, False, True]
    draft = create_draft(owner)
    assert (draft["provider_account_id"], draft["provider"]) == (second, "simulator")
    assert create_draft(owner, provider="null")["provider_account_id"] is None
    assert create_draft(owner, provider_account_id=None)["provider_account_id"] is None
    assert create_draft(owner, provider_account_id=first)["provider_account_id"] == first
    changed = owner.patch(f"{URL}/{draft['id']}", json={"provider_account_id": tried})
    assert (changed.json["provider_account_id"], changed.json["provider"]) == (tried, "null")
    wrong = owner.patch(f"{URL}/{draft['id']}", json={"provider_account_id": tried, "provider": "http"})
    assert "provider" in wrong.json["errors"]
    owner.patch(f"{ACCOUNTS}/{second}", json={"is_default": False})
    assert create_draft(owner)["provider_account_id"] == tried


def test_a_default_that_changes_its_mode_takes_the_place_of_the_other(owner: FlaskClient) -> None:
    live, tried = (
        owner.post(ACCOUNTS, json={**NULL, "name": mode, "mode": mode, "is_default": True}).json["id"]
        for mode in ("live", "test")
    )
    assert owner.patch(f"{ACCOUNTS}/{tried}", json={"mode": "live"}).json["is_default"] is True
    assert owner.get(f"{ACCOUNTS}/{live}").json["is_default"] is False
    lost = [(row.subject, row.actor, row.details) for row in audited() if row.action == "provider_account.default_lost"]
    assert lost == [(f"provider_account:{live}", f"user:{owner.user_id}", {"to": tried})]


def test_a_change_locks_the_user_before_the_account(app: Hub, owner: FlaskClient) -> None:
    """Two changes of accounts of one user would otherwise wait for each other."""
    account_id = owner.post(ACCOUNTS, json=NULL).json["id"]
    answers: list[Any] = []
    change = threading.Thread(
        target=lambda: answers.append(owner.patch(f"{ACCOUNTS}/{account_id}", json={"is_default": True}))
    )
    with app.app_context(), db.engine.connect() as holder, db.engine.connect() as other:
        holder.execute(text("SELECT id FROM users FOR UPDATE"))
        change.start()
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        until = time.monotonic() + 10
        while not other.scalar(waiting) and time.monotonic() < until:
            other.rollback()
            time.sleep(0.02)
        other.execute(text("SELECT id FROM provider_accounts FOR UPDATE NOWAIT"))
        other.rollback()
        holder.rollback()
        change.join()
    assert answers[0].status_code == 200


class TestReadiness:
    def test_the_same_values_need_no_new_test(
        self, admin: FlaskClient, open_account: Callable[..., Any], store: StoringProvider
    ) -> None:
        url = f"{ACCOUNTS}/{open_account()['id']}"
        assert admin.patch(url, json={"name": "B", "adapter": "http", **loopback(store)}).json["state"] == "ready"
        assert admin.patch(url, json={"lookup_url": f"{store.url}/other"}).json["state"] == "untested"

    def test_nothing_is_sent_untested(self, admin: FlaskClient, store: StoringProvider) -> None:
        account = admin.post(ACCOUNTS, json={"name": "Main", "adapter": "http", **loopback(store)}).json
        einvoice = create_issued(admin, provider_account_id=account["id"])
        refused = admin.post(f"{URL}/{einvoice['id']}/send")
        assert (refused.status_code, refused.json["error"], refused.json["state"]) == (
            409,
            "ACCOUNT_NOT_READY",
            "untested",
        )
        store.lookup_code = 401
        failed = admin.post(f"{ACCOUNTS}/{account['id']}/test").json
        assert (failed["state"], failed["test_message"]) == ("test_failed", "The provider answered 401.")
        assert admin.post(f"{URL}/{einvoice['id']}/send").json["state"] == "test_failed"
        store.lookup_code = None
        assert admin.post(f"{ACCOUNTS}/{account['id']}/test").json["state"] == "ready"
        perform(admin, einvoice["id"], "send")
        outbox.send_due()
        assert fetch_detail(admin, einvoice["id"])["status"] == "accepted"
        assert list(store.stored.values()) == [einvoice["invoice_no"]]

    def test_what_is_queued_waits_for_a_new_test(
        self, admin: FlaskClient, open_account: Callable[..., Any], store: StoringProvider
    ) -> None:
        account = open_account()
        einvoice = create_issued(admin, provider_account_id=account["id"])
        perform(admin, einvoice["id"], "send")
        moved = admin.patch(f"{ACCOUNTS}/{account['id']}", json={"token": "new"})
        assert moved.json["state"] == "untested"
        assert outbox.send_due() == 0
        waits = fetch_detail(admin, einvoice["id"])
        assert waits["provider_status"] == "queued"
        assert waits["waiting_because"].startswith("The provider account was changed")
        admin.post(f"{ACCOUNTS}/{account['id']}/test")
        assert outbox.send_due() == 1
        shown = fetch_detail(admin, einvoice["id"])
        assert (shown["status"], shown["waiting_because"]) == ("accepted", None)

    def test_a_disabled_account_lets_its_sendings_wait(
        self, admin: FlaskClient, open_account: Callable[..., Any]
    ) -> None:
        account = open_account()
        einvoice = create_issued(admin, provider_account_id=account["id"])
        perform(admin, einvoice["id"], "send")
        admin.patch(f"{ACCOUNTS}/{account['id']}", json={"enabled": False})
        assert outbox.send_due() == 0
        assert fetch_detail(admin, einvoice["id"])["waiting_because"] == "The provider account is disabled."
        admin.patch(f"{ACCOUNTS}/{account['id']}", json={"enabled": True})
        assert outbox.send_due() == 1


class TestRemoval:
    def test_an_unused_account_is_deleted(self, owner: FlaskClient) -> None:
        account_id = owner.post(ACCOUNTS, json=NULL).json["id"]
        assert owner.delete(f"{ACCOUNTS}/{account_id}").status_code == 204
        assert stored() == []

    def test_a_used_account_is_archived_and_what_waits_ends_with_the_reason(
        self, admin: FlaskClient, open_account: Callable[..., Any]
    ) -> None:
        account, other = open_account(), open_account(name="Other")
        einvoice = create_issued(admin, provider_account_id=account["id"])
        perform(admin, einvoice["id"], "send")
        assert admin.delete(f"{ACCOUNTS}/{account['id']}").status_code == 204
        shown = fetch_detail(admin, einvoice["id"])
        assert (shown["provider_status"], shown["waiting_because"]) == ("queued", "The provider account was archived.")
        assert outbox.send_due() == 0
        assert archived_work.give_up_archived() == 1
        shown = fetch_detail(admin, einvoice["id"])
        assert (shown["status"], shown["provider_status"]) == ("issued", "failed")
        assert shown["events"][-1]["payload"]["error"] == "The provider account was archived."
        assert admin.get(f"{ACCOUNTS}/{account['id']}").json["state"] == "archived"
        assert [row["id"] for row in admin.get(ACCOUNTS).json["data"]] == [other["id"]]
        assert len(admin.get(f"{ACCOUNTS}?archived=1").json["data"]) == 2
        refused = admin.post(f"{URL}/{einvoice['id']}/send").json
        assert (refused["error"], refused["state"]) == ("ACCOUNT_NOT_READY", "archived")
        assert refused["account_ids"] == [other["id"]]
        assert refused["message"].endswith("is not ready (archived). Name another one: Other.")
        perform(admin, einvoice["id"], "send", {"provider_account_id": other["id"]})
        outbox.send_due()
        assert fetch_detail(admin, einvoice["id"])["status"] == "accepted"

    def test_a_doubt_stays_and_is_not_sent_elsewhere(
        self,
        admin: FlaskClient,
        open_account: Callable[..., Any],
        store: StoringProvider,
        pass_time: Callable[[float], None],
    ) -> None:
        account, other = open_account(), open_account(name="Other")
        einvoice = create_issued(admin, provider_account_id=account["id"])
        perform(admin, einvoice["id"], "send")
        store.decide = lambda: DROP
        outbox.send_due()
        admin.delete(f"{ACCOUNTS}/{account['id']}")
        archived_work.give_up_archived()
        assert fetch_detail(admin, einvoice["id"])["provider_status"] == "in_doubt"
        elsewhere = admin.post(f"{URL}/{einvoice['id']}/send", json={"provider_account_id": other["id"]})
        assert elsewhere.json["error"] == "IN_DOUBT"

    def test_a_sending_that_was_queued_at_the_same_moment_is_not_lost(
        self, admin: FlaskClient, open_account: Callable[..., Any]
    ) -> None:
        account = open_account()
        einvoice = create_issued(admin, provider_account_id=account["id"])
        perform(admin, einvoice["id"], "send")
        with unit_of_work():
            db.session.execute(text("UPDATE provider_accounts SET archived_at = now()"))
        assert outbox.send_due() == 0
        assert archived_work.give_up_archived() == 1
        assert fetch_detail(admin, einvoice["id"])["provider_status"] == "failed"
        assert stored_sendings()[0].state == "failed"


def test_every_change_is_audited(owner: FlaskClient) -> None:
    account_id = owner.post(ACCOUNTS, json=NULL).json["id"]
    owner.patch(f"{ACCOUNTS}/{account_id}", json={"name": "New"})
    owner.post(f"{ACCOUNTS}/{account_id}/test")
    rotated = owner.post(f"{ACCOUNTS}/{account_id}/rotate", json={})
    assert rotated.json["callback_secret"].startswith("whsec_")
    create_draft(owner, provider_account_id=account_id)
    owner.delete(f"{ACCOUNTS}/{account_id}")
    names = [row.action.removeprefix("provider_account.") for row in audited()]
    assert names == ["created", "changed", "tested", "secret_rotated", "archived"]


def test_a_draft_waits_for_the_deletion_of_its_account(owner: FlaskClient) -> None:
    account_id = owner.post(ACCOUNTS, json={**NULL, "is_default": True}).json["id"]
    with ThreadPoolExecutor(2) as pool, db.engine.connect() as connection, connection.begin():
        connection.execute(text("DELETE FROM provider_accounts WHERE id = :id"), {"id": account_id})
        named = pool.submit(lambda: owner.post(URL, json=a_draft(provider_account_id=account_id)))
        defaulted = pool.submit(lambda: owner.post(URL, json=a_draft()))
        with pytest.raises(TimeoutError):
            named.result(timeout=0.5)
        connection.commit()
        assert named.result(timeout=10).json["errors"].keys() == {"provider_account_id"}
        assert defaulted.result(timeout=10).json["provider_account_id"] is None


def test_a_deletion_waits_for_a_draft_that_is_being_created(owner: FlaskClient) -> None:
    account_id = owner.post(ACCOUNTS, json=NULL).json["id"]
    with ThreadPoolExecutor(1) as pool:
        with unit_of_work():
            data = EinvoiceDraftSchema().load(a_draft(provider_account_id=account_id))
            drafts.create(data, owner.user_id, "test")
            deleted = pool.submit(lambda: owner.delete(f"{ACCOUNTS}/{account_id}"))
            with pytest.raises(TimeoutError):
                deleted.result(timeout=0.5)
        assert deleted.result(timeout=10).status_code in {200, 204}
    [row] = stored()
    assert row.archived_at is not None
