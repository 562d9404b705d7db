"""Callbacks: signed, applied once, for the e-invoices of the account; what the mapping makes of their words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.provider_accounts import api as accounts_api
from app.einvoices.provider_accounts import callbacks
from app.einvoices.providers import outbox
from app.extensions import db
from app.kernel import clock
from app.kernel.outbound.shared_secret import generate_secret
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import (
    URL,
    create_draft,
    create_issued,
    fetch_detail,
    list_page,
    page_ids,
    perform,
    reports_of,
    stored_sendings,
)
from tests.einvoices.provider_accounts.helpers import ACCOUNTS, call_back
from tests.einvoices.providers.provider_server import StoringProvider

Send = Callable[..., dict[str, Any]]


@pytest.fixture
def send(admin: FlaskClient) -> Send:
    """Issue an e-invoice and send it through an account."""

    def make(account: dict[str, Any], **facts: Any) -> dict[str, Any]:
        einvoice = create_issued(admin, provider_account_id=account["id"], **facts)
        perform(admin, einvoice["id"], "send")
        outbox.send_due()
        return fetch_detail(admin, einvoice["id"])

    return make


def say(einvoice: dict[str, Any], word: str, **facts: Any) -> dict[str, Any]:
    return {"invoice_no": einvoice["invoice_no"], "provider_status": word, **facts}


class TestAccess:
    def test_what_is_not_signed_with_the_secret_is_refused_like_an_unknown_account(
        self, anybody: FlaskClient, open_account: Callable[..., Any], send: Send
    ) -> None:
        account = open_account()
        body = say(send(account), "rejected")
        answers = [
            call_back(anybody, {**account, "id": 999}, body),
            call_back(anybody, account, body, secret=generate_secret()),
            call_back(anybody, account, body, at=-301),
            call_back(anybody, account, body, at=302),
            call_back(anybody, account, body, signed="{}"),
            anybody.post(f"{ACCOUNTS}/{account['id']}/callback", json=body),
            anybody.post(f"{ACCOUNTS}/{account['id']}/callback", json=body, headers={"webhook-timestamp": "١٢"}),
        ]
        assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
        assert call_back(anybody, account, body, at=-290).status_code == 200

    def test_a_repeated_id_is_applied_once(
        self, anybody: FlaskClient, admin: FlaskClient, open_account: Callable[..., Any], send: Send
    ) -> None:
        account = open_account()
        einvoice = send(account)
        body = say(einvoice, "delivered")
        first, second = (call_back(anybody, account, body, id="msg_1") for _ in range(2))
        assert (first.status_code, second.status_code) == (200, 200)
        assert (first.json["repeated"], second.json["repeated"]) == (False, True)
        assert len(reports_of(fetch_detail(admin, einvoice["id"]))) == 1

    def test_the_ids_are_purged_after_their_time(
        self, anybody: FlaskClient, open_account: Callable[..., Any], send: Send, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        account = open_account()
        call_back(anybody, account, say(send(account), "delivered"))
        later = clock.now() + callbacks.RETENTION + timedelta(seconds=1)
        with unit_of_work():
            assert callbacks.purge() == 0
        monkeypatch.setattr(clock, "now", lambda: later)
        with unit_of_work():
            assert callbacks.purge() == 1

    def test_only_what_was_sent_through_the_account_is_found(
        self, anybody: FlaskClient, admin: FlaskClient, open_account: Callable[..., Any], send: Send
    ) -> None:
        account, other = open_account(), open_account(name="Other")
        einvoice, unsent = send(account), create_issued(admin, provider_account_id=account["id"])
        key = str(stored_sendings()[0].key)
        assert call_back(anybody, other, say(einvoice, "x")).status_code == 404
        assert call_back(anybody, account, say(unsent, "x")).status_code == 404
        assert call_back(anybody, account, {"key": key, "provider_status": "x"}).status_code == 200
        number = {"provider_invoice_id": einvoice["provider_invoice_id"], "provider_status": "y"}
        assert call_back(anybody, account, number).json["einvoice_id"] == einvoice["id"]
        assert call_back(anybody, account, {"provider_status": "x"}).status_code == 422
        assert call_back(anybody, account, {**say(einvoice, "x"), "key": einvoice["id"]}).status_code == 422
        assert call_back(anybody, account, "{").status_code == 400
        assert call_back(anybody, account, "[" * 60_000).status_code == 400
        assert call_back(anybody, account, say(einvoice, "x"), id="m" * 256).status_code == 422

    def test_the_old_secret_is_valid_for_its_grace(
        self,
        anybody: FlaskClient,
        admin: FlaskClient,
        open_account: Callable[..., Any],
        send: Send,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        account = open_account()
        einvoice = send(account)
        new = admin.post(f"{ACCOUNTS}/{account['id']}/rotate", json={"grace_hours": 1}).json
        assert call_back(anybody, account, say(einvoice, "a")).status_code == 200
        assert call_back(anybody, new, say(einvoice, "b")).status_code == 200
        with unit_of_work():
            db.session.execute(text("UPDATE provider_accounts SET previous_callback_secret_until = now()"))
        assert call_back(anybody, account, say(einvoice, "c")).status_code == 401
        admin.post(f"{ACCOUNTS}/{account['id']}/rotate", json={"grace_hours": 0})
        assert call_back(anybody, new, say(einvoice, "d")).status_code == 401

    @pytest.mark.slow
    def test_callbacks_are_limited(
        self, anybody: FlaskClient, open_account: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        account = open_account()
        url, most = f"{ACCOUNTS}/{account['id']}/callback", int(accounts_api.CALLBACK_LIMIT.split()[0])
        codes = {anybody.post(url, json={}).status_code for _ in range(most)}
        limited = anybody.post(url, json={})
        assert (codes, limited.status_code) == ({401}, 429)
        assert "Retry-After" in limited.headers

    def test_an_archived_account_still_takes_reports(
        self, anybody: FlaskClient, admin: FlaskClient, open_account: Callable[..., Any], send: Send
    ) -> None:
        account = open_account(mapping="default")
        einvoice = send(account)
        admin.delete(f"{ACCOUNTS}/{account['id']}")
        assert call_back(anybody, account, say(einvoice, "rejected")).json["status"] == "rejected"


class TestMapping:
    def test_without_a_mapping_the_own_status_stays(
        self, anybody: FlaskClient, open_account: Callable[..., Any], send: Send
    ) -> None:
        account = open_account()
        einvoice = send(account)
        assert einvoice["status"] == "accepted"  # the response to the sending counts
        answer = call_back(anybody, account, say(einvoice, "rejected"))
        assert (answer.json["status"], answer.json["provider_status"]) == ("accepted", "rejected")

    def test_with_a_mapping_it_follows_the_words(
        self, anybody: FlaskClient, admin: FlaskClient, open_account: Callable[..., Any], store: Any, send: Send
    ) -> None:
        store.provider_status = "Alındı"
        account = open_account(mapping={"Kabul": "accepted", " RED ": "rejected"})
        einvoice = send(account)
        assert (einvoice["status"], einvoice["provider_status"]) == ("sent", "Alındı")
        said = [
            call_back(anybody, account, say(einvoice, word)).json["status"]
            for word in ("işleniyor", "kabul", "KABUL", "Red", "kabul", "rejected", "red")
        ]
        assert said == ["sent", "accepted", "accepted", "rejected", "accepted", "accepted", "rejected"]
        reported = perform(admin, einvoice["id"], "provider-status", {"provider_status": "kabul"})
        assert reported["status"] == "accepted"

    def test_turkish_words_count_in_upper_and_lower_case(
        self, anybody: FlaskClient, admin: FlaskClient, open_account: Callable[..., Any], send: Send
    ) -> None:
        account = open_account(mapping={"reddedildi": "rejected", "ONAYLANDI": "accepted"})
        einvoice = send(account)
        said = [call_back(anybody, account, say(einvoice, word)).json["status"] for word in ("onaylandı", "REDDEDİLDİ")]
        assert said == ["accepted", "rejected"]
        assert page_ids(list_page(admin, attention="rejected")) == [einvoice["id"]]
        perform(admin, einvoice["id"], "cancel", {"reason": "x"})
        call_back(anybody, account, say(einvoice, "Onaylandı"))
        assert page_ids(list_page(admin, attention="accepted_late")) == [einvoice["id"]]

    def test_a_word_cannot_stand_for_two_statuses(self, admin: FlaskClient, open_account: Callable[..., Any]) -> None:
        account = open_account(mapping={"İptal": "rejected", "IPTAL": "rejected"})
        assert account["mapping"] == {"iptal": "rejected"}
        twice = {"mapping": {"İPTAL": "accepted", "iptal": "rejected"}}
        refused = admin.patch(f"{ACCOUNTS}/{account['id']}", json=twice)
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["mapping"])

    def test_the_response_follows_the_mapping_too(
        self, open_account: Callable[..., Any], store: StoringProvider, send: Send
    ) -> None:
        account = open_account(mapping={"ok": "accepted"})
        assert send(account)["status"] == "sent"  # "accepted" is not among the words
        store.provider_status = "OK"
        assert send(account)["status"] == "accepted"

    def test_an_older_report_is_only_recorded(
        self, anybody: FlaskClient, admin: FlaskClient, open_account: Callable[..., Any], send: Send
    ) -> None:
        account = open_account(mapping="default")
        einvoice, moment = send(account), clock.now()
        newer, older = clock.iso(moment + timedelta(seconds=1)), clock.iso(moment - timedelta(hours=1))
        call_back(anybody, account, say(einvoice, "accepted", occurred_at=newer))
        assert call_back(anybody, account, say(einvoice, "rejected", occurred_at=older)).json["status"] == "accepted"
        assert reports_of(fetch_detail(admin, einvoice["id"]))[-1]["applied"] is False

    def test_a_correction_keeps_the_rejected_one_rejected(
        self, anybody: FlaskClient, admin: FlaskClient, open_account: Callable[..., Any], send: Send
    ) -> None:
        account = open_account(mapping="default")
        einvoice = send(account)
        call_back(anybody, account, say(einvoice, "rejected"))
        correction = perform(admin, einvoice["id"], "corrections", {"reason": "x"})
        assert correction["provider_account_id"] == account["id"]
        late = call_back(anybody, account, say(einvoice, "accepted")).json
        assert (late["status"], late["provider_status"]) == ("rejected", "accepted")

    def test_a_cancelled_one_stays_cancelled_with_its_number(
        self, anybody: FlaskClient, admin: FlaskClient, open_account: Callable[..., Any], send: Send
    ) -> None:
        account = open_account(mapping="default")
        einvoice = send(account)
        call_back(anybody, account, say(einvoice, "rejected"))
        perform(admin, einvoice["id"], "cancel", {"reason": "x"})
        assert call_back(anybody, account, say(einvoice, "accepted")).json["status"] == "cancelled"
        assert fetch_detail(admin, einvoice["id"])["invoice_no"] == einvoice["invoice_no"]

    def test_a_refunded_sale_stays_refunded(
        self, anybody: FlaskClient, admin: FlaskClient, open_account: Callable[..., Any], send: Send
    ) -> None:
        account = open_account(mapping="default")
        einvoice = send(account)
        note = perform(admin, einvoice["id"], "credit-notes", {"reason": "x"})
        assert note["provider_account_id"] == account["id"]
        perform(admin, note["id"], "issue")
        assert fetch_detail(admin, einvoice["id"])["status"] == "refunded"
        assert call_back(anybody, account, say(einvoice, "rejected")).json["status"] == "refunded"
        perform(admin, note["id"], "cancel", {"reason": "x"})
        assert fetch_detail(admin, einvoice["id"])["status"] == "rejected"

    def test_drafts_of_other_accounts_are_not_touched(
        self, admin: FlaskClient, open_account: Callable[..., Any]
    ) -> None:
        account = open_account(mapping="default")
        draft = create_draft(admin, provider_account_id=account["id"])
        reported = perform(admin, draft["id"], "provider-status", {"provider_status": "accepted"})
        assert reported["status"] == "draft"
        assert admin.get(f"{URL}/{draft['id']}").json["invoice_no"] is None
