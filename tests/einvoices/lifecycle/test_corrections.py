"""Ways out of a rejection: correct, cancel, send again, create anew from the sales invoice."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.lifecycle.allowed_steps import STEPS
from app.einvoices.lifecycle.step_needs import ABILITY, NEEDS
from app.einvoices.providers import outbox
from app.einvoices.providers.clients import ADAPTERS
from app.einvoices.providers.contract import ProviderRequest, ProviderResponse
from app.einvoices.status import Status
from app.extensions import db
from tests.einvoices.helpers import URL, create_issued, events_of, fetch_detail, perform, set_adapter, stored_sendings
from tests.factories import a_draft, a_sale

pytestmark = pytest.mark.slow  # whole lives of documents at a provider, with many requests each

CUSTOMER = {"code": "CUST-889", "name": "LifeCare Pharmacy", "address1": "MG Road 1"}
DOCS = Path(__file__).resolve().parents[3] / "docs"


def _reject(_request: ProviderRequest) -> ProviderResponse:
    return ProviderResponse(Status.REJECTED, "rejected", "PRV-1")


@pytest.fixture(autouse=True)
def _rejecting_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    set_adapter(monkeypatch, "http", send=_reject)


def send(client: FlaskClient, einvoice_id: int) -> dict[str, Any]:
    perform(client, einvoice_id, "send")
    outbox.send_due()
    return fetch_detail(client, einvoice_id)


def fetch_items(client: FlaskClient, einvoice_id: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(f"{URL}/{einvoice_id}?include_items=1").json["items"]
    return items


def create_rejected(client: FlaskClient, **facts: Any) -> dict[str, Any]:
    rejected = send(client, create_issued(client, provider="http", **facts)["id"])
    assert rejected["status"] == "rejected"
    return rejected


class TestCorrection:
    def test_it_is_a_draft_with_the_same_content(self, owner: FlaskClient) -> None:
        rejected = create_rejected(owner, notes="Gift")
        correction = perform(owner, rejected["id"], "corrections", {"reason": "Wrong tax number"})
        assert (correction["status"], correction["invoice_no"]) == ("draft", None)
        assert (correction["corrects_id"], correction["provider_invoice_id"]) == (rejected["id"], None)
        for name in ("buyer", "totals", "notes", "metadata", "marketplace", "marketplace_order_no", "provider", "type"):
            assert correction[name] == rejected[name], name
        without_id = [{**item, "id": None} for item in correction["items"]]
        assert without_id == [{**item, "id": None} for item in rejected["items"]]
        stored = fetch_detail(owner, rejected["id"])
        assert (stored["status"], stored["corrected_by_id"]) == ("rejected", correction["id"])
        assert stored["invoice_no"] == rejected["invoice_no"]
        assert stored["events"][-1]["payload"]["reason"] == "Wrong tax number"
        assert events_of(rejected["id"])[-1]["einvoice"]["corrected_by_id"] == correction["id"]
        assert events_of(correction["id"])[-1]["einvoice"]["corrects_id"] == rejected["id"]

    def test_it_gets_its_own_number_and_key(self, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        rejected = create_rejected(owner)
        correction = owner.post(f"{URL}/{rejected['id']}/corrections", json={}).json
        buyer = {"name": "A", "tax_id": "22222222220"}
        assert owner.patch(f"{URL}/{correction['id']}", json={"buyer": buyer}).status_code == 200
        issued = perform(owner, correction["id"], "issue")
        assert int(issued["invoice_no"][-6:]) == int(rejected["invoice_no"][-6:]) + 1
        set_adapter(monkeypatch, "http", send=ADAPTERS["null"].send)
        assert send(owner, correction["id"])["status"] == "accepted"
        first, second = stored_sendings()
        assert first.key != second.key

    def test_it_replaces_the_rejected_one(self, owner: FlaskClient) -> None:
        rejected = create_rejected(owner)
        correction = perform(owner, rejected["id"], "corrections", {})
        for action in ("corrections", "send", "cancel", "credit-notes", "returns"):
            answer = owner.post(f"{URL}/{rejected['id']}/{action}", json={"reason": "x"} if action != "send" else None)
            assert (answer.status_code, answer.json["error"]) == (409, "ALREADY_CORRECTED"), action
            assert answer.json["corrected_by_id"] == correction["id"]

    def test_a_cancelled_one_frees_the_rejected_one(self, owner: FlaskClient) -> None:
        rejected = create_rejected(owner)
        for _ in range(2):
            correction = perform(owner, rejected["id"], "corrections", {})
            assert perform(owner, correction["id"], "cancel", {"reason": "x"})["corrects_id"] == rejected["id"]
            freed = fetch_detail(owner, rejected["id"])
            assert (freed["status"], freed["corrected_by_id"]) == ("rejected", None)
            assert freed["events"][-1]["payload"]["correction_id"] == correction["id"]
            assert events_of(rejected["id"])[-1]["einvoice"]["corrected_by_id"] is None
        assert perform(owner, rejected["id"], "cancel", {"reason": "x"})["status"] == "cancelled"
        assert owner.get(f"{URL}/series").json["data"][0]["cancelled"] == 1

    def test_an_issued_and_rejected_one_frees_it_too(self, owner: FlaskClient) -> None:
        rejected = create_rejected(owner)
        correction = perform(owner, rejected["id"], "corrections", {})
        perform(owner, correction["id"], "issue")
        assert send(owner, correction["id"])["status"] == "rejected"
        perform(owner, correction["id"], "cancel", {"reason": "x"})
        assert send(owner, rejected["id"])["status"] == "rejected"
        assert owner.get(f"{URL}/series").json["data"][0]["cancelled"] == 1

    def test_parallel_corrections_make_one_draft(self, owner: FlaskClient) -> None:
        rejected = create_rejected(owner)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: owner.post(f"{URL}/{rejected['id']}/corrections", json={}), range(8)))
        assert Counter(a.status_code for a in answers) == {201: 1, 409: 7}

    def test_a_rejection_that_the_provider_took_back_is_only_credited(self, owner: FlaskClient) -> None:
        rejected = create_rejected(owner)
        perform(owner, rejected["id"], "provider-status", {"provider_status": "Accepted"})
        for action in ("corrections", "cancel", "send"):
            body = None if action == "send" else {"reason": "x"}
            answer = owner.post(f"{URL}/{rejected['id']}/{action}", json=body)
            assert (answer.status_code, answer.json["error"]) == (409, "WRONG_STATE"), action
        note = perform(owner, rejected["id"], "credit-notes", {"reason": "torn"})
        perform(owner, note["id"], "issue")
        assert fetch_detail(owner, rejected["id"])["status"] == "refunded"
        perform(owner, note["id"], "cancel", {"reason": "x"})
        assert fetch_detail(owner, rejected["id"])["status"] == "rejected"
        perform(owner, rejected["id"], "provider-status", {"provider_status": "rejected"})
        assert perform(owner, rejected["id"], "corrections", {})["corrects_id"] == rejected["id"]

    @pytest.mark.parametrize("action", ["issue", None])
    def test_what_was_not_rejected_is_not_corrected(self, owner: FlaskClient, action: str | None) -> None:
        einvoice = create_issued(owner) if action else owner.post(URL, json=a_draft()).json
        answer = owner.post(f"{URL}/{einvoice['id']}/corrections", json={})
        assert (answer.status_code, answer.json["error"]) == (409, "WRONG_STATE")

    def test_a_rejected_credit_note_hands_its_amounts_over(self, owner: FlaskClient) -> None:
        sale = create_issued(owner)
        note = perform(owner, sale["id"], "credit-notes", {"reason": "torn"})
        perform(owner, note["id"], "issue")
        assert owner.patch(f"{URL}/{note['id']}", json={"provider": "http"}).status_code == 409
        rejected = self._rejected_note(owner, note["id"])
        correction = perform(owner, rejected["id"], "corrections", {})
        assert (correction["original_id"], correction["totals"]) == (sale["id"], note["totals"])
        assert owner.post(f"{URL}/{sale['id']}/credit-notes", json={"reason": "x"}).status_code in {409, 422}
        perform(owner, correction["id"], "issue")
        assert fetch_detail(owner, sale["id"])["status"] == "refunded"
        perform(owner, correction["id"], "cancel", {"reason": "x"})
        assert fetch_detail(owner, sale["id"])["status"] == "refunded"
        assert owner.post(f"{URL}/{sale['id']}/credit-notes", json={"reason": "x"}).status_code in {409, 422}
        perform(owner, rejected["id"], "cancel", {"reason": "x"})
        assert fetch_detail(owner, sale["id"])["status"] == "issued"
        again = perform(owner, sale["id"], "credit-notes", {"reason": "torn"})
        assert again["totals"] == note["totals"]

    def _rejected_note(self, owner: FlaskClient, note_id: int) -> dict[str, Any]:
        perform(owner, note_id, "send")
        with pytest.MonkeyPatch.context() as patch:
            for name in ADAPTERS:
                set_adapter(patch, name, send=_reject)
            outbox.send_due()
        return fetch_detail(owner, note_id)


class TestSaleWithCredits:
    def test_a_credit_note_that_the_provider_has_goes_over(self, owner: FlaskClient) -> None:
        sale = create_issued(owner, provider="null")
        send(owner, sale["id"])
        item = fetch_items(owner, sale["id"])[0]
        part = {"reason": "torn", "items": [{"item_id": item["id"], "quantity": 1}]}
        note = perform(owner, sale["id"], "credit-notes", part)
        perform(owner, note["id"], "issue")
        perform(owner, sale["id"], "provider-status", {"provider_status": "rejected"})
        refused = owner.post(f"{URL}/{sale['id']}/corrections", json={})
        assert (refused.status_code, refused.json["error"]) == (409, "HAS_CREDITS")
        assert send(owner, note["id"])["status"] == "accepted"
        correction = perform(owner, sale["id"], "corrections", {})
        for answer in (
            owner.patch(f"{URL}/{correction['id']}", json={"currency": "EUR"}),
            owner.post(f"{URL}/{correction['id']}/cancel", json={"reason": "x"}),
        ):
            assert (answer.status_code, answer.json["error"]) == (409, "HAS_CREDITS")
        perform(owner, correction["id"], "issue")
        assert send(owner, correction["id"])["status"] == "accepted"
        rest = perform(owner, correction["id"], "credit-notes", {"reason": "rest"})
        assert rest["totals"]["grand_total"] + note["totals"]["grand_total"] == sale["totals"]["grand_total"]
        perform(owner, rest["id"], "issue")
        assert fetch_detail(owner, correction["id"])["status"] == "refunded"
        perform(owner, note["id"], "provider-status", {"provider_status": "rejected"})
        perform(owner, note["id"], "cancel", {"reason": "x"})
        assert fetch_detail(owner, correction["id"])["status"] == "accepted"
        again = perform(owner, correction["id"], "credit-notes", {"reason": "torn"})
        assert again["totals"] == note["totals"]

    def test_a_cancelled_correction_gives_the_whole_sale_back(self, owner: FlaskClient) -> None:
        sale = create_rejected(owner)
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE e_invoices SET status = 'sent', provider_status = 'x'")
        note = perform(owner, sale["id"], "credit-notes", {"reason": "torn"})
        perform(owner, note["id"], "issue")
        send(owner, note["id"])
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE e_invoices SET status = 'sent', provider_status = 'x'")
        perform(owner, sale["id"], "provider-status", {"provider_status": "rejected"})
        correction = perform(owner, sale["id"], "corrections", {})
        perform(owner, note["id"], "provider-status", {"provider_status": "rejected"})
        for einvoice_id in (note["id"], correction["id"]):
            perform(owner, einvoice_id, "cancel", {"reason": "x"})
        perform(owner, sale["id"], "provider-status", {"provider_status": "accepted"})
        assert perform(owner, sale["id"], "credit-notes", {"reason": "y"})["totals"] == sale["totals"]


class TestOtherWays:
    def test_a_rejected_one_can_be_cancelled(self, owner: FlaskClient) -> None:
        rejected = create_rejected(owner)
        cancelled = perform(owner, rejected["id"], "cancel", {"reason": "Order was withdrawn"})
        assert (cancelled["status"], cancelled["invoice_no"]) == ("cancelled", rejected["invoice_no"])
        assert owner.get(f"{URL}/series").json["data"][0]["cancelled"] == 1

    @pytest.mark.parametrize("word", ["rejected", "Rejected"])
    def test_a_callback_can_reject(self, owner: FlaskClient, word: str) -> None:
        einvoice = create_issued(owner, provider="simulator", metadata={"simulate": "late"})
        assert send(owner, einvoice["id"])["status"] == "sent"
        assert owner.post(f"{URL}/{einvoice['id']}/corrections", json={}).status_code == 409
        perform(owner, einvoice["id"], "provider-status", {"provider_status": word})
        correction = perform(owner, einvoice["id"], "corrections", {})
        assert correction["corrects_id"] == einvoice["id"]

    @pytest.mark.parametrize("action", ["corrections", "cancel"])
    def test_an_acceptance_that_the_provider_took_back_has_a_way_out(self, owner: FlaskClient, action: str) -> None:
        sale = create_issued(owner, provider="null")
        note = perform(owner, sale["id"], "credit-notes", {"reason": "torn"})
        perform(owner, note["id"], "issue")
        assert send(owner, note["id"])["status"] == "accepted"
        assert owner.post(f"{URL}/{note['id']}/{action}", json={"reason": "x"}).json["error"] == "WRONG_STATE"
        perform(owner, note["id"], "provider-status", {"provider_status": "Rejected"})
        perform(owner, note["id"], action, {"reason": "x"})
        refunded = "issued" if action == "cancel" else "refunded"
        assert fetch_detail(owner, sale["id"])["status"] == refunded

    def test_sending_again_uses_the_same_key(self, owner: FlaskClient) -> None:
        rejected = create_rejected(owner)
        send(owner, rejected["id"])
        first, second = stored_sendings()
        assert first.key == second.key

    def test_while_a_sending_is_pending_nothing_else_is_possible(self, owner: FlaskClient) -> None:
        rejected = create_rejected(owner)
        perform(owner, rejected["id"], "send")
        for action in ("corrections", "cancel", "send"):
            body = None if action == "send" else {"reason": "x"}
            answer = owner.post(f"{URL}/{rejected['id']}/{action}", json=body)
            assert (answer.status_code, answer.json["error"]) == (409, "ALREADY_SENDING")


class TestFromSales:
    def test_a_rejected_one_gets_a_correction(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale(customer=CUSTOMER)
        assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
        body = {"invoice_no": sale["invoice_no"], "provider": "http"}
        first = owner.post(f"{URL}/from-sales", json=body).json
        perform(owner, first["id"], "issue")
        send(owner, first["id"])
        answer = owner.post(f"{URL}/from-sales", json=body)
        assert (answer.status_code, answer.json["corrects_id"]) == (201, first["id"])
        assert answer.json["sales_invoice_no"] == sale["invoice_no"]
        again = owner.post(f"{URL}/from-sales", json=body)
        assert (again.status_code, again.json["id"]) == (200, answer.json["id"])
        shown = fetch_detail(owner, first["id"])
        assert (shown["corrected_by_id"], shown["sales_invoice_no"]) == (answer.json["id"], sale["invoice_no"])

    def test_what_the_sale_does_not_bring_is_kept(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale(customer=CUSTOMER)
        assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
        rates = [{"item_code": sale["items"][0]["item_code"], "vat_rate": 1}]
        made = {"invoice_no": sale["invoice_no"], "provider": "http", "currency": "EUR", "vat_rates": rates}
        first = owner.post(f"{URL}/from-sales", json=made).json
        order = {"marketplace": "Trendyol", "marketplace_order_no": "TY-9", "metadata": {"a": 1}}
        buyer = {"name": CUSTOMER["name"], "tax_id": "1234567890", "is_business": True}
        assert owner.patch(f"{URL}/{first['id']}", json={**order, "buyer": buyer}).status_code == 200
        perform(owner, first["id"], "issue")
        rejected = send(owner, first["id"])
        correction = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"]}).json
        for name in ("currency", "provider", "provider_account_id", "buyer", "totals", *order):
            assert (correction | correction["totals"])[name] == (rejected | rejected["totals"])[name], name
        refused = owner.post(URL, json=a_draft(**order))
        assert (refused.status_code, refused.json["error"]) == (409, "DUPLICATE_ORDER")
        perform(owner, correction["id"], "issue")
        send(owner, correction["id"])
        given = {"invoice_no": sale["invoice_no"], "provider_account_id": None, "currency": "TRY", "vat_rate": 10}
        third = owner.post(f"{URL}/from-sales", json=given).json
        assert (third["corrects_id"], third["totals"]["currency"]) == (correction["id"], "TRY")
        assert {item["vat_rate"] for item in third["items"]} == {10}

    def test_a_cancelled_one_makes_room_for_a_new_draft(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale(customer=CUSTOMER)
        assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
        body = {"invoice_no": sale["invoice_no"], "provider": "http"}
        first = owner.post(f"{URL}/from-sales", json=body).json
        perform(owner, first["id"], "issue")
        send(owner, first["id"])
        perform(owner, first["id"], "cancel", {"reason": "x"})
        answer = owner.post(f"{URL}/from-sales", json=body)
        assert (answer.status_code, answer.json["corrects_id"]) == (201, None)


def test_the_page_of_documentation_has_the_table_of_steps() -> None:
    text = (DOCS / "einvoices.md").read_text()
    for name, step in STEPS.items():
        statuses = ", ".join(status for status in Status if status in step.statuses)
        if step.after_rejection:
            statuses += "; sent or accepted, when the provider reported `rejected`"
        if step.after_acceptance:
            statuses += "; rejected, when the provider then reported `accepted`"
        if step.unless_taken:
            statuses += "; not issued, when it reported `accepted`"
        assert f"| {name} | {statuses} |" in text, name
    assert NEEDS.keys() == STEPS.keys()
    for name, needs in NEEDS.items():
        assert not needs or f"| {name} | {', '.join(need.text for need in needs)} |" in text, name
    assert f"Every step needs the ability `{ABILITY}`" in text
