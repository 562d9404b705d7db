"""Legal documents of issued e-invoices: listed, written when asked for, stored with a verdict, and downloaded."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from app.einvoices.documents import legal_documents
from app.einvoices.evidence import removals
from app.einvoices.models.documents import EinvoiceDocument
from app.extensions import celery, db
from app.formats.document_reader import Source, read_document
from app.formats.legal_format import LegalFormat
from app.kernel.unit_of_work import unit_of_work
from app.rules.sums.exact import verdict
from tests.einvoices.helpers import URL, create_draft, create_issued, events_of
from tests.factories import a_buyer

_ADDRESS = {"street": "Sanayi Cad. 5", "district": "Nilüfer", "city": "Bursa", "postcode": "16110", "country": "TR"}
_BUYER = {"name": "Müşteri Ltd. Şti.", "tax_id": "1234567890", "postal_address": _ADDRESS}


def an_issued(owner: FlaskClient, **facts: Any) -> dict[str, Any]:
    owner.patch(f"{URL}/seller", json={"postal_address": _ADDRESS, "tax_id": "4540536920", "tax_scheme": "vkn"})
    items = [{"name": "Poplin", "quantity": 3, "unit_price": "33.35", "vat_rate": 20, "unit": "MTR"}]
    values = {"buyer": a_buyer(**_BUYER), "items": items, "currency": "TRY", "due_date": "2030-01-31"}
    return create_issued(owner, **{**values, **facts})


def fetch(owner: FlaskClient, sale: dict[str, Any], name: str) -> Any:
    return owner.get(f"{URL}/{sale['id']}/documents/{name}", buffered=True)


def rows() -> list[EinvoiceDocument]:
    with unit_of_work():
        return list(db.session.scalars(db.select(EinvoiceDocument)))


@pytest.mark.parametrize("name", ["ubl", "cii", "ubl-tr"])
def test_a_document_is_written_when_somebody_asks_for_it(owner: FlaskClient, name: str) -> None:
    sale = an_issued(owner)
    answer = fetch(owner, sale, name)
    assert (answer.status_code, answer.mimetype) == (200, "application/xml")
    invoice = read_document(Source(answer.data))
    assert (invoice.format, invoice.number) == (name, sale["invoice_no"])
    assert str(invoice.totals.payable) == "120.06"
    assert verdict(invoice).is_exact
    [row] = rows()
    assert (row.format, row.version, row.sha256) == (name, 1, hashlib.sha256(answer.data).hexdigest())
    assert row.verdict is not None
    assert row.verdict["exact"] is True
    assert fetch(owner, sale, name).data == answer.data
    assert len(rows()) == 1


def test_an_event_has_the_address_the_hash_and_the_verdict(owner: FlaskClient) -> None:
    sale = an_issued(owner)
    content = fetch(owner, sale, "ubl").data
    fetch(owner, sale, "ubl")
    [event] = [each for each in events_of(sale["id"]) if each["type"] == "einvoice.document_ready"]
    assert event["document"] == {
        "url": f"{URL}/{sale['id']}/documents/ubl",
        "format": "ubl",
        "version": 1,
        "origin": "hub",
        "media_type": "application/xml",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "valid": True,
        "exact": True,
    }
    assert (event["einvoice"]["id"], event["owner"]) == (sale["id"], owner.user_id)


def test_a_factur_x_is_made_in_the_background(owner: FlaskClient) -> None:
    sale = an_issued(owner)
    with mock.patch.object(celery, "send_task") as send:
        answer = fetch(owner, sale, "factur-x")
    assert (answer.status_code, answer.json["state"]) == (404, "pending")
    assert answer.headers["Retry-After"] == "2"
    asked = [call.kwargs["args"] for call in send.call_args_list if call.args == ("einvoices.write_document",)]
    assert asked == [(sale["id"], "factur-x")]
    legal_documents.write(sale["id"], LegalFormat.FACTUR_X)
    answer = fetch(owner, sale, "factur-x")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert (
        read_document(Source(PdfReader(io.BytesIO(answer.data)).attachments["factur-x.xml"][0])).number
        == sale["invoice_no"]
    )
    legal_documents.write(sale["id"], LegalFormat.FACTUR_X)
    assert len(rows()) == 1


def test_a_format_that_cannot_say_it_names_the_fields(owner: FlaskClient) -> None:
    sale = an_issued(owner)
    answer = fetch(owner, sale, "inv-01")
    assert answer.status_code == 422
    assert answer.json["errors"]["seller.tax_ids"] == ["Name the GSTIN of the seller."]
    assert rows() == []


def test_the_list_has_every_format(owner: FlaskClient) -> None:
    sale = an_issued(owner)
    fetch(owner, sale, "ubl")
    found = {each["format"]: each for each in owner.get(f"{URL}/{sale['id']}/documents").json["data"]}
    assert list(found) == [each.value for each in LegalFormat]
    assert (found["ubl"]["writable"], found["ubl"]["document"]["version"]) == (True, 1)
    assert (found["cii"]["writable"], found["cii"]["document"]) == (True, None)
    assert found["inv-01"]["writable"] is False


def test_a_draft_and_a_stranger_get_nothing(owner: FlaskClient, owner_as: Callable[..., FlaskClient]) -> None:
    draft, sale, stranger = create_draft(owner), an_issued(owner), owner_as()
    for path in ("documents", "documents/ubl"):
        assert owner.get(f"{URL}/{draft['id']}/{path}").status_code == 404
        assert stranger.get(f"{URL}/{sale['id']}/{path}").status_code == 404
    assert owner.get(f"{URL}/{sale['id']}/documents/other").status_code == 404


def test_nothing_is_written_after_personal_data_was_removed(owner: FlaskClient) -> None:
    sale = an_issued(owner)
    assert fetch(owner, sale, "ubl").status_code == 200
    with unit_of_work():
        assert removals.remove_personal_data(sale["id"], "retention", "test")
    assert [fetch(owner, sale, name).status_code for name in ("ubl", "cii", "factur-x")] == [404] * 3
    assert rows() == []
