"""Doubts of accounts: what settles them when the account changes, or when its provider reports in an unusual order."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.pdf import print_job
from app.einvoices.provider_accounts import archived_work
from app.einvoices.providers import look_ups, outbox
from app.einvoices.providers.contract import ProviderRejected
from app.extensions import db
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import LEASE
from tests.einvoices.helpers import URL, create_issued, fetch_detail, perform, reports_of, set_adapter, stored_sendings
from tests.einvoices.provider_accounts.helpers import ACCOUNTS, call_back
from tests.einvoices.providers.provider_server import CUT, DROP, StoringProvider

pytestmark = pytest.mark.slow  # whole lives of documents at a provider, with many requests each

Open = Callable[..., dict[str, Any]]
Pass = Callable[[float], None]
#: Seconds after which each further attempt is due, and a little more; and after which every look-up is due.
DELAYS = [delay.total_seconds() + 1 for delay in work_queue.DELAYS]
LOOK_UP_DUE = 7200


def shown(client: FlaskClient, einvoice: dict[str, Any]) -> tuple[str, str]:
    detail = fetch_detail(client, einvoice["id"])
    return detail["status"], detail["provider_status"]


def give_up_in_doubt(
    admin: FlaskClient, account: dict[str, Any], store: StoringProvider, pass_time: Pass, fate: str = CUT
) -> dict[str, Any]:
    """Send an e-invoice until its sending is given up in doubt; afterwards the provider answers look-ups again."""
    store.decide, store.lookup_code = lambda: fate, 503
    einvoice = create_issued(admin, provider_account_id=account["id"])
    perform(admin, einvoice["id"], "send")
    outbox.send_due()
    for delay in DELAYS:
        pass_time(delay)
        outbox.send_due()
    store.lookup_code = None
    return einvoice


def test_a_timeout_after_the_account_was_archived_leaves_the_doubt(
    admin: FlaskClient, open_account: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = open_account()
    einvoice = create_issued(admin, provider_account_id=account["id"])
    perform(admin, einvoice["id"], "send")

    codes, ended = [], []

    def give_up(app: Flask) -> int:
        with app.app_context():  # this thread has the context, and so the session, of the one that stores the outcomes
            return archived_work.give_up_archived()

    def archive_and_time_out(_request: Any) -> Any:
        codes.append(admin.delete(f"{ACCOUNTS}/{account['id']}").status_code)
        ended.append(Context().run(give_up, admin.application))  # it is being performed, so it is left to its response
        raise ProviderRejected("timeout", permanent=False, in_doubt=True)

    set_adapter(monkeypatch, "http", send=archive_and_time_out)
    outbox.send_due()
    assert (codes, ended) == ([204], [0])
    assert shown(admin, einvoice) == ("issued", "queued")
    assert archived_work.give_up_archived() == 1
    assert shown(admin, einvoice) == ("issued", "in_doubt")
    assert [(row.state, row.in_doubt) for row in stored_sendings()] == [("failed", True)]


def test_a_report_settles_what_a_lost_worker_left_at_a_disabled_account(
    admin: FlaskClient, open_account: Open, pass_time: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = open_account()
    einvoice = create_issued(admin, provider_account_id=account["id"])
    perform(admin, einvoice["id"], "send")

    def die(_request: Any) -> Any:
        raise SystemExit

    set_adapter(monkeypatch, "http", send=die)
    with pytest.raises(SystemExit):
        outbox.send_due()
    admin.patch(f"{ACCOUNTS}/{account['id']}", json={"enabled": False})
    for seconds, expected in ((0, "issued"), (LEASE + 1, "sent")):
        pass_time(seconds)
        body = {"invoice_no": einvoice["invoice_no"], "provider_status": f"after {seconds}"}
        assert call_back(admin, account, body, at=seconds).json["status"] == expected


class TestReportAfterNotFound:
    @pytest.mark.parametrize("expected", ["accepted", "sent"])
    def test_the_provider_has_it_after_all(
        self, admin: FlaskClient, open_account: Open, store: StoringProvider, pass_time: Pass, expected: str
    ) -> None:
        account = open_account(mapping="default" if expected == "accepted" else None)
        einvoice = give_up_in_doubt(admin, account, store, pass_time, DROP)
        pass_time(LOOK_UP_DUE)
        look_ups.look_up_due()
        assert shown(admin, einvoice) == ("issued", "failed")
        body = {"invoice_no": einvoice["invoice_no"], "provider_status": "accepted"}
        answer = call_back(admin, account, body, at=int(sum(DELAYS)) + LOOK_UP_DUE)
        assert (answer.json["status"], shown(admin, einvoice)) == (expected, (expected, "accepted"))
        refused = admin.post(f"{URL}/{einvoice['id']}/cancel", json={"reason": "x"})
        assert (refused.status_code, refused.json["error"]) == (409, "WRONG_STATE")

    def test_a_sending_that_waits_is_not_made(
        self, admin: FlaskClient, open_account: Open, store: StoringProvider, pass_time: Pass
    ) -> None:
        account = open_account()
        einvoice = give_up_in_doubt(admin, account, store, pass_time, DROP)
        pass_time(LOOK_UP_DUE)
        look_ups.look_up_due()
        perform(admin, einvoice["id"], "send")
        received = sum(store.received.values())
        perform(admin, einvoice["id"], "provider-status", {"provider_status": "in progress"})
        outbox.send_due()
        assert sum(store.received.values()) == received
        assert shown(admin, einvoice) == ("sent", "in progress")

    def test_an_einvoice_that_was_never_sent_stays_issued_and_is_not_cancelled(self, admin: FlaskClient) -> None:
        einvoice = create_issued(admin, provider="null")
        perform(admin, einvoice["id"], "provider-status", {"provider_status": "Accepted"})
        assert shown(admin, einvoice) == ("issued", "Accepted")
        assert admin.post(f"{URL}/{einvoice['id']}/cancel", json={"reason": "x"}).status_code == 409
        perform(admin, einvoice["id"], "send")
        outbox.send_due()
        assert shown(admin, einvoice)[0] == "accepted"


@pytest.mark.parametrize("is_archived", [False, True])
def test_the_doubts_of_a_disabled_account_are_looked_up(
    admin: FlaskClient, open_account: Open, store: StoringProvider, pass_time: Pass, is_archived: bool
) -> None:
    account = open_account()
    einvoice = give_up_in_doubt(admin, account, store, pass_time)
    admin.patch(f"{ACCOUNTS}/{account['id']}", json={"enabled": False})
    if is_archived:
        admin.delete(f"{ACCOUNTS}/{account['id']}")
    pass_time(LOOK_UP_DUE)
    look_ups.look_up_due()
    assert shown(admin, einvoice) == ("accepted", "accepted")


def test_a_callback_counts_while_a_sending_in_doubt_is_queued_again(
    admin: FlaskClient, open_account: Open, store: StoringProvider, pass_time: Pass
) -> None:
    account = open_account()
    einvoice = give_up_in_doubt(admin, account, store, pass_time)
    perform(admin, einvoice["id"], "send")
    body = {"key": str(stored_sendings()[0].key), "provider_status": "in progress"}
    assert call_back(admin, account, body, at=int(sum(DELAYS))).status_code == 200
    assert shown(admin, einvoice) == ("sent", "in progress")


class TestSentAgain:
    """A rejected e-invoice is sent again; the provider, or another one, accepts it."""

    @pytest.fixture
    def account(self, open_account: Open) -> dict[str, Any]:
        return open_account(mapping="default")

    @pytest.fixture
    def rejected(self, admin: FlaskClient, account: dict[str, Any], store: StoringProvider) -> dict[str, Any]:
        """An e-invoice that was sent and rejected."""
        store.provider_status = "rejected"
        einvoice = create_issued(admin, provider_account_id=account["id"])
        perform(admin, einvoice["id"], "send")
        outbox.send_due()
        assert shown(admin, einvoice) == ("rejected", "rejected")
        store.provider_status = "accepted"
        return einvoice

    def test_the_repeated_rejection_does_not_hide_the_new_answer(
        self, admin: FlaskClient, account: dict[str, Any], rejected: dict[str, Any]
    ) -> None:
        perform(admin, rejected["id"], "send")
        body = {"invoice_no": rejected["invoice_no"], "provider_status": "rejected"}
        assert call_back(admin, account, body).status_code == 200
        outbox.send_due()
        assert shown(admin, rejected) == ("accepted", "accepted")

    def test_an_acceptance_before_the_next_attempt_ends_it(
        self, admin: FlaskClient, account: dict[str, Any], rejected: dict[str, Any], store: StoringProvider
    ) -> None:
        perform(admin, rejected["id"], "send")
        body = {"invoice_no": rejected["invoice_no"], "provider_status": "accepted"}
        assert call_back(admin, account, body).json["status"] == "accepted"
        looked_up = sum(store.looked_up.values())
        outbox.send_due()
        assert (sum(store.received.values()), sum(store.looked_up.values())) == (1, looked_up)

    def test_the_word_of_the_earlier_account_is_recorded_and_does_not_count(
        self, admin: FlaskClient, open_account: Open, account: dict[str, Any], rejected: dict[str, Any]
    ) -> None:
        other = open_account(name="Other")
        perform(admin, rejected["id"], "send", {"provider_account_id": other["id"]})
        body = {"invoice_no": rejected["invoice_no"], "provider_status": "accepted"}
        assert call_back(admin, account, body).json["status"] == "rejected"
        report = reports_of(fetch_detail(admin, rejected["id"]))[-1]
        assert (report["applied"], report["earlier_account"]) == (False, account["name"])
        assert shown(admin, rejected)[1] == "queued"
        outbox.send_due()
        assert shown(admin, rejected) == ("accepted", "accepted")
        assert call_back(admin, other, body).status_code == 200

    def test_the_answer_of_another_provider_wins_over_a_word_before_it(
        self, admin: FlaskClient, open_account: Open, rejected: dict[str, Any]
    ) -> None:
        other = open_account(name="Other")
        perform(admin, rejected["id"], "send", {"provider_account_id": other["id"]})
        perform(admin, rejected["id"], "provider-status", {"provider_status": "rejected"})
        outbox.send_due()
        assert shown(admin, rejected) == ("accepted", "accepted")


def test_a_word_that_the_mapping_does_not_list_changes_no_step(
    admin: FlaskClient, open_account: Open, store: StoringProvider
) -> None:
    store.provider_status = "received"
    account = open_account(mapping={"declined": "rejected", "approved": "accepted"})
    einvoice = create_issued(admin, provider_account_id=account["id"])
    perform(admin, einvoice["id"], "send")
    outbox.send_due()
    for word in ("declined", "accepted"):
        call_back(admin, account, {"invoice_no": einvoice["invoice_no"], "provider_status": word})
    assert shown(admin, einvoice) == ("rejected", "accepted")
    assert perform(admin, einvoice["id"], "corrections", {})["corrects_id"] == einvoice["id"]


class TestChangeOfProvider:
    @pytest.mark.parametrize("change", [{"adapter": "null"}, {"lookup_url": ""}, {"url": "https://1.1.1.1/"}])
    def test_it_is_refused_while_a_sending_is_in_doubt(
        self, admin: FlaskClient, open_account: Open, store: StoringProvider, pass_time: Pass, change: dict[str, str]
    ) -> None:
        account = open_account()
        einvoice = give_up_in_doubt(admin, account, store, pass_time)
        url = f"{ACCOUNTS}/{account['id']}"
        refused = admin.patch(url, json=change)
        assert (refused.status_code, refused.json["error"]) == (409, "ACCOUNT_IN_DOUBT")
        assert refused.json["einvoice_ids"] == [einvoice["id"]]
        unchanged = {name: account[name] for name in ("adapter", "url", "lookup_url")}
        assert admin.patch(url, json={**unchanged, "name": "New"}).status_code == 200
        perform(admin, einvoice["id"], "settle-doubt", {"taken": True, "reason": "seen"})
        assert admin.patch(url, json=change).status_code == 200

    def test_a_wrong_address_can_be_changed_while_nothing_was_sent(
        self, admin: FlaskClient, open_account: Open, store: StoringProvider
    ) -> None:
        account = open_account()
        einvoice = create_issued(admin, provider_account_id=account["id"])
        perform(admin, einvoice["id"], "send")
        assert admin.patch(f"{ACCOUNTS}/{account['id']}", json={"url": f"{store.url}/new"}).status_code == 200


class TestNotFound:
    @pytest.mark.parametrize("missing", [{"found": None}, {"found": 0}, {"found": True}])
    def test_any_other_404_leaves_the_doubt_and_fails_the_test(
        self, admin: FlaskClient, open_account: Open, store: StoringProvider, pass_time: Pass, missing: dict[str, Any]
    ) -> None:
        account = open_account()
        einvoice = give_up_in_doubt(admin, account, store, pass_time, DROP)
        store.missing = missing
        pass_time(LOOK_UP_DUE)
        look_ups.look_up_due()
        assert shown(admin, einvoice) == ("issued", "in_doubt")
        assert admin.post(f"{ACCOUNTS}/{account['id']}/test").json["state"] == "test_failed"

    def test_a_provider_that_finds_what_nobody_sent_fails_the_test(
        self, admin: FlaskClient, open_account: Open, store: StoringProvider
    ) -> None:
        account = open_account()
        store.lookup_code = 200
        tested = admin.post(f"{ACCOUNTS}/{account['id']}/test").json
        assert (tested["state"], "nobody sent" in tested["test_message"]) == ("test_failed", True)


class TestRestoredHub:
    """A backup from before the sending was restored: the provider has the e-invoice, and the hub does not know it."""

    @pytest.fixture
    def forgotten(self, admin: FlaskClient, open_account: Open) -> dict[str, Any]:
        einvoice = create_issued(admin, provider_account_id=open_account()["id"])
        perform(admin, einvoice["id"], "send")
        outbox.send_due()
        with db.engine.begin() as connection:
            connection.execute(text("DELETE FROM e_invoice_sendings"))
            columns = "provider_status = NULL, provider_status_at = NULL, provider_invoice_id = NULL"
            connection.execute(text(f"UPDATE e_invoices SET status = 'issued', {columns}"))
        return einvoice

    def test_it_has_the_same_key(self, admin: FlaskClient, forgotten: dict[str, Any], store: StoringProvider) -> None:
        perform(admin, forgotten["id"], "send")
        outbox.send_due()
        assert (list(store.received.values()), shown(admin, forgotten)) == ([2], ("accepted", "accepted"))

    def test_a_number_under_another_key_stays_in_doubt(
        self, admin: FlaskClient, forgotten: dict[str, Any], store: StoringProvider, pass_time: Pass
    ) -> None:
        [key] = store.stored
        store.refuses_taken = True
        store.stored = {str(uuid.UUID(int=1)): store.stored[key]}
        perform(admin, forgotten["id"], "send")
        outbox.send_due()
        for _ in range(2):
            pass_time(LOOK_UP_DUE)
            look_ups.look_up_due()
        assert (store.looked_up[key], shown(admin, forgotten)) == (2, ("issued", "in_doubt"))
        body = {"taken": False, "reason": "The number belongs to a document of another system"}
        assert perform(admin, forgotten["id"], "settle-doubt", body)["provider_status"] == "failed"


def test_every_attempt_has_the_same_content(
    admin: FlaskClient, open_account: Open, store: StoringProvider, pass_time: Pass
) -> None:
    store.decide = lambda: DROP
    einvoice = create_issued(admin, provider_account_id=open_account()["id"])
    perform(admin, einvoice["id"], "send")
    outbox.send_due()
    perform(admin, einvoice["id"], "pdf")
    print_job.print_due()
    perform(admin, einvoice["id"], "credit-notes", {"reason": "x"})
    pass_time(DELAYS[0])
    outbox.send_due()
    first, second = store.bodies
    assert first == second
    assert first["einvoice"]["invoice_no"] == einvoice["invoice_no"]
    assert first["einvoice"]["seller"]["tax_id"]
    assert not {"status", "provider_status", "updated_at", "pdf_url", "waiting_because"} & first["einvoice"].keys()


@pytest.mark.parametrize("word", ["queued", "Failed", "in_doubt", "taken"])
def test_a_provider_does_not_say_the_words_of_the_hub(
    admin: FlaskClient, open_account: Open, store: StoringProvider, word: str
) -> None:
    account = open_account()
    store.provider_status = word
    einvoice = create_issued(admin, provider_account_id=account["id"])
    perform(admin, einvoice["id"], "send")
    outbox.send_due()
    assert shown(admin, einvoice) == ("sent", "taken")
    sent = [event["payload"] for event in fetch_detail(admin, einvoice["id"])["events"] if event["type"] == "sent"]
    assert sent[0]["raw"]["provider_status"] == word
    body = {"invoice_no": einvoice["invoice_no"], "provider_status": word}
    assert call_back(admin, account, body).status_code == 422
    assert admin.post(f"{URL}/{einvoice['id']}/provider-status", json={"provider_status": word}).status_code == 422
    assert admin.patch(f"{ACCOUNTS}/{account['id']}", json={"mapping": {word: "accepted"}}).status_code == 422
