"""Legal documents that go with e-invoices: refused before the number, written by a worker, the same at each attempt."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from app.einvoices.documents.legal_documents import written_documents
from app.einvoices.documents.written_documents import NewDocument
from app.einvoices.models.documents import Origin
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.provider_accounts import sent_documents
from app.einvoices.providers import outbox, resend
from app.extensions import db
from app.formats.document_reader import Source, read_document
from app.formats.legal_format import LegalFormat
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.content.test_amounts import a_gst_seller
from tests.einvoices.documents.test_legal_documents import an_issued
from tests.einvoices.helpers import URL, create_draft, fetch_detail, perform
from tests.einvoices.provider_accounts.helpers import ACCOUNTS
from tests.einvoices.providers.provider_server import DROP, StoringProvider

Account = dict[str, Any]
Open = Callable[..., Account]


def send_all() -> None:
    sent_documents.write_due()
    outbox.send_due()


def sending() -> EinvoiceSending:
    with unit_of_work():
        return db.session.scalars(db.select(EinvoiceSending).order_by(EinvoiceSending.id.desc())).first()


def document_of(store: StoringProvider, number: int = -1) -> dict[str, Any]:
    said: dict[str, Any] = store.bodies[number]["document"]
    content = base64.b64decode(said.pop("content"), validate=True)
    assert (said["sha256"], said["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
    return {**said, "content": content}


@pytest.mark.parametrize("name", ["ubl", "cii", "ubl-tr", "factur-x"])
def test_the_document_of_the_account_goes_with_the_einvoice(
    admin: FlaskClient, open_account: Open, store: StoringProvider, name: str
) -> None:
    account = open_account(document_format=name)
    admin.patch(f"{URL}/seller", json={"prefix": "ABC"})
    sale = an_issued(admin, provider_account_id=account["id"])
    perform(admin, sale["id"], "send")
    outbox.send_due()
    assert store.bodies == [], "it waits for its document"
    send_all()
    document = document_of(store)
    kind, ending = ("", "pdf") if name == "factur-x" else (f"-{name}", "xml")
    assert (document["format"], document["file_name"]) == (name, f"{sale['invoice_no']}{kind}.{ending}")
    assert document["media_type"] == f"application/{ending}"
    xml = document["content"]
    if ending == "pdf":
        xml = PdfReader(io.BytesIO(xml)).attachments["factur-x.xml"][0]
    assert read_document(Source(xml)).number == sale["official_no"]
    assert admin.get(f"{URL}/{sale['id']}/documents/{name}", buffered=True).data == document["content"]
    shown = fetch_detail(admin, sale["id"])
    assert shown["status"] == "accepted"
    [sent] = [each["payload"] for each in shown["events"] if each["type"] == "sent"]
    assert (sent["format"], sent["sha256"]) == (name, document["sha256"])


def test_one_that_waits_for_its_document_is_not_sent_beside_another(
    admin: FlaskClient, open_account: Open, store: StoringProvider
) -> None:
    account = open_account(document_format="ubl")
    ready, waiting = (an_issued(admin, provider_account_id=account["id"]) for _ in range(2))
    perform(admin, ready["id"], "send")
    sent_documents.write_due()
    perform(admin, waiting["id"], "send")
    outbox.send_due()
    assert [each["einvoice"]["id"] for each in store.bodies] == [ready["id"]]


def test_without_a_format_the_request_is_as_before(
    admin: FlaskClient, open_account: Open, store: StoringProvider
) -> None:
    sale = an_issued(admin, provider_account_id=open_account()["id"])
    perform(admin, sale["id"], "send")
    outbox.send_due()
    assert set(store.bodies[0]) == {"key", "einvoice"}


def test_an_issue_is_refused_before_the_number_when_the_document_cannot_be_made(
    admin: FlaskClient, open_account: Open
) -> None:
    account = open_account(document_format="inv-01")
    draft = create_draft(admin, provider_account_id=account["id"])
    refused = admin.post(f"{URL}/{draft['id']}/issue")
    assert (refused.status_code, "hsn" in refused.json["errors"]["items.0.hsn"][0].lower()) == (422, True)
    assert admin.get(f"{URL}/series").json["data"] == []
    found = admin.get(f"{URL}/{draft['id']}/readiness").json
    assert (found["ready"], {each["profile"] for each in found["findings"]}) == (False, {"inv-01"})
    assert admin.patch(f"{ACCOUNTS}/{account['id']}", json={"document_format": None}).status_code == 200
    assert perform(admin, draft["id"], "issue")["invoice_no"]


def test_a_sending_is_refused_when_the_format_came_after_the_issue(
    admin: FlaskClient, open_account: Open, store: StoringProvider
) -> None:
    account = open_account()
    sale = an_issued(admin, provider_account_id=account["id"])
    admin.patch(f"{ACCOUNTS}/{account['id']}", json={"document_format": "inv-01"})
    refused = admin.post(f"{URL}/{sale['id']}/send")
    assert refused.status_code == 422
    assert "INV-01" in refused.json["message"].upper()
    assert "seller.tax_id" in refused.json["errors"]
    shown = fetch_detail(admin, sale["id"])
    assert (shown["status"], shown["provider_status"]) == ("issued", None)
    admin.patch(f"{ACCOUNTS}/{account['id']}", json={"document_format": "ubl"})
    perform(admin, sale["id"], "send")
    send_all()
    assert document_of(store)["format"] == "ubl"


def test_each_attempt_of_a_sending_has_the_same_bytes(
    admin: FlaskClient, open_account: Open, store: StoringProvider, pass_time: Callable[[float], None]
) -> None:
    """Also when the account has another format by then, and another document was stored."""
    account = open_account(document_format="ubl")
    store.decide = lambda: DROP
    sale = an_issued(admin, provider_account_id=account["id"])
    perform(admin, sale["id"], "send")
    send_all()
    admin.patch(f"{ACCOUNTS}/{account['id']}", json={"document_format": "cii"})
    with unit_of_work():
        written_documents.store(sale["id"], NewDocument(format="ubl", media_type="application/xml", content=b"<new/>"))
    store.decide = lambda: "answer"
    pass_time(31)
    send_all()
    first, second = document_of(store, 0), document_of(store, 1)
    assert first == second
    assert first["format"] == "ubl"


def test_what_the_authority_returned_is_not_sent(
    admin: FlaskClient, open_account: Open, store: StoringProvider
) -> None:
    sale = an_issued(admin, provider_account_id=open_account(document_format="ubl")["id"])
    returned = NewDocument(format="ubl", media_type="application/xml", content=b"<signed/>", origin=Origin.RETURNED)
    with unit_of_work():
        written_documents.store(sale["id"], returned)
    perform(admin, sale["id"], "send")
    send_all()
    assert document_of(store)["content"] != b"<signed/>"


def test_a_return_has_a_document_of_its_own(admin: FlaskClient, open_account: Open, store: StoringProvider) -> None:
    account = open_account(document_format="ubl-tr")
    admin.patch(f"{URL}/seller", json={"prefix": "ABC"})
    sale = an_issued(admin, provider_account_id=account["id"])
    perform(admin, sale["id"], "send")
    send_all()
    [item] = admin.get(f"{URL}/{sale['id']}?include_items=1").json["items"]
    wanted = {"reason": "Torn", "items": [{"item_id": item["id"], "quantity": 1}]}
    draft = perform(admin, sale["id"], "returns", wanted)
    credit = perform(admin, draft["id"], "issue")
    perform(admin, credit["id"], "send")
    send_all()
    document = document_of(store)
    assert b"<cbc:InvoiceTypeCode>IADE</cbc:InvoiceTypeCode>" in document["content"]
    assert document["file_name"] == f"{credit['invoice_no']}-return-ubl-tr.xml"


def test_a_document_that_is_too_large_is_not_sent(
    admin: FlaskClient, open_account: Open, store: StoringProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_documents, "MAX_DOCUMENT_BYTES", 100)
    sale = an_issued(admin, provider_account_id=open_account(document_format="ubl")["id"])
    perform(admin, sale["id"], "send")
    send_all()
    [failed] = [each["payload"] for each in fetch_detail(admin, sale["id"])["events"] if each["type"] == "not_sent"]
    assert (failed["error"], store.bodies) == (sent_documents.TOO_LARGE, [])


def test_an_operator_who_retries_skips_what_cannot_be_written(
    admin: FlaskClient, open_account: Open, store: StoringProvider
) -> None:
    account = open_account()
    store.refusal_code = 422
    sale = an_issued(admin, provider_account_id=account["id"])
    perform(admin, sale["id"], "send")
    outbox.send_due()
    store.refusal_code = None
    admin.patch(f"{ACCOUNTS}/{account['id']}", json={"document_format": "inv-01"})
    with unit_of_work():
        assert resend.resend_given_up(actor="test") == 0
    admin.patch(f"{ACCOUNTS}/{account['id']}", json={"document_format": "ubl"})
    with unit_of_work():
        assert resend.resend_given_up(actor="test") == 1
    send_all()
    assert document_of(store)["format"] == "ubl"


@pytest.mark.parametrize("name", ["ubl", "ubl-tr"])
def test_a_test_document_has_one_too(admin: FlaskClient, open_account: Open, store: StoringProvider, name: str) -> None:
    account = open_account(document_format=name, mode="test")
    admin.patch(f"{URL}/seller", json={"prefix": "ABC"})
    sale = an_issued(admin, provider_account_id=account["id"])
    assert sale["is_test"] is True
    perform(admin, sale["id"], "send")
    send_all()
    assert document_of(store)["file_name"].startswith("TEST-")


@pytest.mark.parametrize(("mode", "is_too_long"), [("live", False), ("test", True)])
def test_the_number_that_a_test_document_would_draw_is_checked(
    admin: FlaskClient, open_account: Open, mode: str, *, is_too_long: bool
) -> None:
    """In India a number has 16 characters at most, and that of a test document has one more."""
    a_gst_seller(admin)
    admin.patch(f"{URL}/seller", json={"prefix": "COTTONLT", "legal_profiles": ["inv-01"]})
    account = open_account(document_format="inv-01", mode=mode)
    draft = create_draft(admin, provider_account_id=account["id"], currency="INR")
    found = admin.get(f"{URL}/{draft['id']}/readiness").json["findings"]
    assert ("seller.prefix" in {each["field"] for each in found}) is is_too_long


def test_every_format_can_be_chosen(admin: FlaskClient, open_account: Open) -> None:
    account = open_account()
    for name in [*LegalFormat, None]:
        changed = admin.patch(f"{ACCOUNTS}/{account['id']}", json={"document_format": name})
        assert (changed.json["document_format"], changed.json["state"]) == (name, "ready")
    assert admin.patch(f"{ACCOUNTS}/{account['id']}", json={"document_format": "sap"}).status_code == 422
