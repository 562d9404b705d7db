"""Test documents: a number of a series of their own, a mark everywhere, and no way into the legal ones."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.pdf import print_job
from app.einvoices.provider_accounts import directory
from app.einvoices.providers import outbox
from app.einvoices.providers.contract import ProviderResponse
from app.einvoices.status import Status
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import (
    URL,
    create_draft,
    create_issued,
    events_of,
    fetch_pdf,
    list_page,
    page_ids,
    pdf_text,
    perform,
    set_adapter,
)
from tests.einvoices.provider_accounts.helpers import ACCOUNTS
from tests.factories import a_sale

pytestmark = pytest.mark.slow  # whole lives of documents at a provider, with many requests each

Account = Callable[..., int]


@pytest.fixture
def account(owner: FlaskClient) -> Account:
    """Create an account that is ready; returns its id."""

    def make(mode: str, name: str = "") -> int:
        facts = {"name": name or mode, "adapter": "null", "mode": mode}
        with unit_of_work():
            made = directory.create(facts, owner.user_id, actor="test", may_allow=False).account
            made.test_passed, made.tested_at = True, clock.now()
            return made.id

    return make


def year() -> int:
    """The present year of the seller."""
    return clock.now().astimezone(ZoneInfo("Europe/Istanbul")).year


def test_a_test_account_takes_no_legal_number(owner: FlaskClient, account: Account) -> None:
    test = create_issued(owner, provider_account_id=account("test"))
    live = create_issued(owner, provider_account_id=account("live"))
    assert (test["is_test"], test["invoice_no"]) == (True, f"TEST-EA-{year()}-000001")
    assert (live["is_test"], live["invoice_no"]) == (False, f"EA-{year()}-000001")
    series = owner.get(f"{URL}/series").json["data"]
    assert [(row["prefix"], row["is_test"], row["count"]) for row in series] == [("EA", False, 1), ("TEST-EA", True, 1)]
    assert events_of(test["id"])[-1]["einvoice"]["is_test"] is True
    for asked, expected in ((True, test), (False, live)):
        page = list_page(owner, is_test=str(asked).lower())
        assert (page_ids(page), page["meta"]["total"]) == ([expected["id"]], 1)


@pytest.mark.parametrize(("language", "words"), [("en", "It is no invoice"), ("tr", "Fatura değildir")])
def test_the_pdf_says_that_it_is_a_test(owner: FlaskClient, account: Account, language: str, words: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE seller_profiles SET language = :language"), {"language": language})
    test, live = (create_issued(owner, provider_account_id=account(mode)) for mode in ("test", "live"))
    print_job.print_due()
    content = pdf_text(fetch_pdf(owner, test["id"]).data)
    assert words in content
    assert "TEST" in content
    assert words not in pdf_text(fetch_pdf(owner, live["id"]).data)


def test_the_package_of_the_month_marks_it_and_leaves_it_out_of_the_vat(owner: FlaskClient, account: Account) -> None:
    issued = {mode: create_issued(owner, provider_account_id=account(mode)) for mode in ("test", "live")}
    numbers = {mode: each["invoice_no"] for mode, each in issued.items()}
    month = issued["live"]["issued_on"][:7]  # in the time zone of the seller
    archive = zipfile.ZipFile(io.BytesIO(owner.get(f"/api/v1/exports/{month}").data))
    rows = list(csv.DictReader(io.StringIO(archive.read("documents.csv").decode("utf-8-sig"))))
    assert {row["invoice_no"]: row["is_test"] for row in rows} == {numbers["test"]: "yes", numbers["live"]: ""}
    [live] = [row for row in rows if row["invoice_no"] == numbers["live"]]
    [vat] = csv.DictReader(io.StringIO(archive.read("vat.csv").decode("utf-8-sig")))
    assert float(vat["net"]) == float(live["subtotal"])
    records = archive.read("chain/records.jsonl").decode().splitlines()
    marked = [record for record in records if '"is_test":true' in record]
    assert len(marked) == 1
    assert numbers["test"] in marked[0]


def test_it_goes_through_test_accounts_only(owner: FlaskClient, account: Account) -> None:
    test, live, other = account("test"), account("live"), account("test", "second")
    for own, foreign in ((test, live), (live, test)):
        einvoice = create_issued(owner, provider_account_id=own)
        answer = owner.post(f"{URL}/{einvoice['id']}/send", json={"provider_account_id": foreign})
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["provider_account_id"])
    einvoice = create_issued(owner, provider_account_id=test)
    perform(owner, einvoice["id"], "send", {"provider_account_id": other})
    outbox.send_due()
    assert owner.get(f"{URL}/{einvoice['id']}").json["status"] == "accepted"


def test_a_refusal_names_accounts_of_the_same_mode(owner: FlaskClient, account: Account) -> None:
    test, other = account("test"), account("test", "second")
    account("live")
    einvoice = create_issued(owner, provider_account_id=test)
    owner.patch(f"{ACCOUNTS}/{test}", json={"enabled": False})
    answer = owner.post(f"{URL}/{einvoice['id']}/send")
    assert (answer.status_code, answer.json["account_ids"]) == (409, [other])


@pytest.mark.parametrize(("mode", "foreign"), [("test", "live"), ("live", "test")])
def test_a_credit_note_is_what_its_original_is(owner: FlaskClient, account: Account, mode: str, foreign: str) -> None:
    original = create_issued(owner, provider_account_id=account(mode))
    other = account(foreign)
    note = perform(owner, original["id"], "credit-notes", {"reason": "torn"})
    refused = owner.patch(f"{URL}/{note['id']}", json={"provider_account_id": other})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["provider_account_id"])
    assert perform(owner, note["id"], "issue")["is_test"] is (mode == "test")


def test_a_legal_document_from_before_goes_on_through_its_account(owner: FlaskClient, account: Account) -> None:
    original = create_issued(owner, provider_account_id=account("test"))
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE e_invoices SET is_test = false"))
    note = perform(owner, original["id"], "credit-notes", {"reason": "torn"})
    assert perform(owner, note["id"], "issue")["is_test"] is False
    perform(owner, note["id"], "send")


def test_it_does_not_count_as_the_einvoice_of_its_order(owner: FlaskClient, account: Account) -> None:
    order: dict[str, Any] = {"marketplace": "trendyol", "marketplace_order_no": "T-1"}
    create_issued(owner, provider_account_id=account("test"), **order)
    create_issued(owner, provider_account_id=account("live"), **order)
    assert owner.post(URL, json={**create_draft_body(), **order}).status_code == 409


def reject_test_document(client: FlaskClient, patch: pytest.MonkeyPatch, account_id: int, sale_no: str) -> int:
    set_adapter(patch, "null", send=lambda _request: ProviderResponse(Status.REJECTED, "rejected"))
    asked = {"invoice_no": sale_no, "provider_account_id": account_id}
    draft: int = client.post(f"{URL}/from-sales", json=asked).json["id"]
    perform(client, draft, "issue")
    perform(client, draft, "send")
    outbox.send_due()
    return draft


def test_a_rejected_one_has_every_way_out_beside_the_legal_one_of_its_sale(
    owner: FlaskClient, erp: FlaskClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = a_sale()
    assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
    test, live = account("test"), account("live")
    rejected = reject_test_document(owner, monkeypatch, test, sale["invoice_no"])
    asked = {"invoice_no": sale["invoice_no"], "provider_account_id": live}
    legal = owner.post(f"{URL}/from-sales", json=asked).json
    perform(owner, legal["id"], "issue")
    correction = perform(owner, rejected, "corrections", {"reason": "x"})
    assert (correction["is_test"], owner.post(f"{URL}/from-sales", json=asked).json["id"]) == (True, legal["id"])
    assert owner.get(f"{URL}/{correction['id']}/readiness").json["ready"]
    perform(owner, correction["id"], "cancel", {"reason": "x"})
    perform(owner, rejected, "send")
    outbox.send_due()
    again = perform(owner, rejected, "corrections", {"reason": "x"})["id"]
    assert perform(owner, again, "issue")["invoice_no"] == f"TEST-EA-{year()}-000002"


def test_the_correction_of_a_test_document_is_not_the_draft_of_the_sale(
    owner: FlaskClient, erp: FlaskClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = a_sale()
    assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
    rejected = reject_test_document(owner, monkeypatch, account("test"), sale["invoice_no"])
    correction = perform(owner, rejected, "corrections", {"reason": "x"})["id"]
    asked = {"invoice_no": sale["invoice_no"], "provider_account_id": account("live")}
    legal = owner.post(f"{URL}/from-sales", json=asked)
    assert (legal.status_code, legal.json["id"] != correction) == (201, True)


def test_a_test_may_have_the_order_of_the_legal_one(owner: FlaskClient, account: Account) -> None:
    order: dict[str, Any] = {"marketplace": "trendyol", "marketplace_order_no": "T-1"}
    create_issued(owner, provider_account_id=account("live"), **order)
    assert create_issued(owner, provider_account_id=account("test"), **order)["is_test"] is True


def create_draft_body() -> dict[str, Any]:
    return {"buyer": {"name": "A"}, "items": [{"name": "x", "quantity": 1, "unit_price": 1}]}


def test_an_account_with_documents_keeps_its_mode(owner: FlaskClient, account: Account) -> None:
    used, unused = account("test"), account("test", "second")
    create_draft(owner, provider_account_id=unused)
    create_issued(owner, provider_account_id=used)
    answer = owner.patch(f"{ACCOUNTS}/{used}", json={"mode": "live"})
    assert (answer.status_code, answer.json["error"]) == (409, "ACCOUNT_HAS_DOCUMENTS")
    assert owner.patch(f"{ACCOUNTS}/{used}", json={"mode": "test", "name": "x"}).status_code == 200
    assert owner.patch(f"{ACCOUNTS}/{unused}", json={"mode": "live"}).status_code == 200
