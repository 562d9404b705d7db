"""Facts for legal formats: every field goes in, comes back, is changed and removed; wrong ones are refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.models.legal_fields import BUYER_FACTS, DOCUMENT_COLUMNS, DOCUMENT_FACTS, ITEM_FACTS, SELLER_FACTS
from app.einvoices.schemas.content import EinvoiceBuyerSchema, EinvoiceItemSchema
from app.einvoices.schemas.legal_facts import DocumentFactsSchema
from app.einvoices.schemas.sellers import SellerChangeSchema
from app.formats.tax_numbers import scheme_of, vat_number
from tests.einvoices.helpers import URL, create_draft, perform
from tests.factories import a_buyer

ADDRESS = {"street": "Bahariye Cad.", "building": "12", "district": "Kadıköy", "city": "İstanbul", "postcode": "34710"}
BUYER = {
    "tax_id": "1234567890",
    "tax_scheme": "vkn",
    "trade_name": "Yılmaz",
    "first_name": "Ayşe",
    "family_name": "Yılmaz",
    "ids": [{"scheme": "MERSISNO", "value": "0123456789012345"}, {"value": "77"}],
    "endpoint": {"scheme": "9952", "value": "1234567890"},
    "postal_address": {**ADDRESS, "country": "TR"},
    "contact_name": "Ali Veli",
    "place_of_supply": "29",
}
ITEM = {
    **{"sku": "T", "name": "Kumaş", "quantity": 10, "unit_price": 100, "vat_rate": 20, "discount_amount": 5},
    **{"unit": "MTR", "vat_category": "S", "hsn": "5208", "is_service": False, "gtin": "8690000000012"},
    **{"batch": "B1", "expiry": "2027-01-31", "serials": ["S1", "S2"], "discount_reason": "Campaign"},
    **{"discount_reason_code": "95", "origin_country": "TR", "buyer_item_code": "X9", "description": "Cotton"},
    **{"order_line": "10", "exemption_code": "301", "exemption_reason": "export"},
}
FACTS: dict[str, Any] = {
    "due_date": "2027-01-15",
    "payment_terms": "30 days net",
    "tax_point_date": "2026-11-30",
    "period": {"start": "2026-11-01", "end": "2026-11-30"},
    "buyer_reference": "REF-1",
    "references": [{"kind": "order", "id": "PO-7", "date": "2026-10-01"}, {"kind": "despatch", "id": "IRS1"}],
    "delivery": {"date": "2026-11-29", "name": "Depot", "postal_address": {"country": "DE", "city": "Köln"}},
    "payment": {"means": "58", "iban": "DE75512108001245126199", "holder": "Kumaş", "reference": "RF18"},
    "prepaid_amount": 100.0,
    "rounding_amount": -0.5,
    "tax_currency": "EUR",
    "exchange_rate": 34.5,
    "exchange_date": "2026-11-29",
    "exchange_source": "TCMB",
    "scenario": "TICARIFATURA",
    "local_type": "OZELMATRAH",
    "supply_type": "EXPWP",
    "reverse_charge": True,
}


def test_schemas_and_columns_list_the_same_facts() -> None:
    assert set(DocumentFactsSchema().fields) == {*DOCUMENT_FACTS, *DOCUMENT_COLUMNS}
    assert {*ITEM_FACTS} <= set(EinvoiceItemSchema().fields)
    assert {*BUYER_FACTS} <= set(EinvoiceBuyerSchema().fields)
    assert {*SELLER_FACTS} <= set(SellerChangeSchema().fields)


def test_every_fact_goes_in_and_comes_back(owner: FlaskClient) -> None:
    draft = create_draft(owner, buyer=a_buyer(**BUYER), items=[ITEM], **FACTS)
    shown = owner.get(f"{URL}/{draft['id']}?include_items=1").json
    assert {name: shown[name] for name in FACTS} == FACTS
    assert {name: shown["buyer"][name] for name in BUYER} == BUYER
    assert {name: shown["items"][0][name] for name in ITEM} == ITEM
    assert (shown["totals"]["grand_total"], shown["payable"]) == (1194.0, 1093.5)


def test_a_draft_without_facts_shows_none(owner: FlaskClient) -> None:
    draft = create_draft(owner)
    assert not {*FACTS, "official_no", "uuid", "withholding_total", "canonical_sha256"} & draft.keys()
    assert not {*BUYER_FACTS} & draft["buyer"].keys()
    assert not {*ITEM_FACTS, "withheld_amount"} & draft["items"][0].keys()
    assert (draft["payable"], draft["tax_rule"]) == (120.0, "per_rate")


def test_a_change_sets_the_named_facts_and_null_removes_them(owner: FlaskClient) -> None:
    draft = create_draft(owner, buyer=a_buyer(**BUYER), **FACTS)
    body = {"due_date": None, "references": [], "payment_terms": "", "buyer_reference": "REF-2", "delivery": None}
    changed = owner.patch(f"{URL}/{draft['id']}", json={**body, "buyer": {"name": "A", "ids": None}}).json
    assert not {"due_date", "references", "payment_terms", "delivery"} & changed.keys()
    assert (changed["buyer_reference"], changed["scenario"]) == ("REF-2", "TICARIFATURA")
    assert ("ids" in changed["buyer"], changed["buyer"]["postal_address"]) == (False, BUYER["postal_address"])


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"buyer": a_buyer(tax_id="1234567891", tax_scheme="vkn")}, "buyer.tax_id"),
        ({"buyer": a_buyer(tax_id="12345678901", tax_scheme="tckn")}, "buyer.tax_id"),
        ({"buyer": a_buyer(tax_id="29AAGCB7383J1Z5", tax_scheme="gstin")}, "buyer.tax_id"),
        ({"buyer": a_buyer(tax_id="DE136695977", tax_scheme="vat")}, "buyer.tax_id"),
        ({"buyer": a_buyer(postal_address={"country": "XX"})}, "buyer.postal_address.country"),
        ({"items": [{**ITEM, "unit": "ROLLS"}]}, "items.0.unit"),
        ({"items": [{**ITEM, "gtin": "8690000000013"}]}, "items.0.gtin"),
        ({"items": [{**ITEM, "hsn": "52081"}]}, "items.0.hsn"),
        ({"items": [{**ITEM, "vat_category": "E"}]}, "items.0.vat_category"),
        ({"items": [{**ITEM, "vat_rate": 0}]}, "items.0.vat_category"),
        ({"items": [{**ITEM, "withholding_code": "999"}]}, "items.0.withholding_code"),
        ({"items": [{**ITEM, "withholding_code": "603", "withholding_rate": 60}]}, "items.0.withholding_rate"),
        ({"items": [{**ITEM, "withholding_code": "603"}]}, "items.0.withholding_rate"),
        ({"delivery": {"date": "30.11.2026"}}, "delivery.date"),
        ({"scenario": "SATIS"}, "scenario"),
        ({"allowances": [{"reason": "x"}]}, "allowances.0.amount"),
        ({"allowances": [{"amount": 500}]}, "allowances.0.amount"),
        ({"allowances": [{"amount": 1, "vat_rate": 10}]}, "allowances.0.vat_rate"),
        ({"allowances": [{"amount": "0.001"}]}, "allowances.0.amount"),
        ({"prepaid_amount": 120.01}, "prepaid_amount"),
        ({"rounding_amount": 100}, "rounding_amount"),
    ],
)
def test_wrong_facts_are_refused_by_name(owner: FlaskClient, facts: dict[str, Any], path: str) -> None:
    body = {"buyer": a_buyer(), "items": [{"name": "T", "quantity": 1, "unit_price": 100, "vat_rate": 20}], **facts}
    answer = owner.post(URL, json=body)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [path])


def test_the_seller_has_facts_too(owner: FlaskClient) -> None:
    facts = {
        **{"tax_id": "1288331522", "tax_scheme": "other", "legal_profiles": ["ubl-tr", "en16931"], "payment_days": 30},
        **{"postal_address": {**ADDRESS, "country": "TR"}, "payment": {"iban": "TR330006100519786457841326"}},
        **{"ids": [{"value": "1", "scheme": "MERSISNO"}], "endpoint": {"value": "x", "scheme": "9952"}},
    }
    shown = owner.patch(f"{URL}/seller", json=facts).json
    assert {name: shown[name] for name in facts} == facts
    answer = owner.patch(f"{URL}/seller", json={"tax_scheme": "vkn"})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["tax_id"])
    assert "postal_address" not in owner.patch(f"{URL}/seller", json={"postal_address": None}).json
    assert owner.patch(f"{URL}/seller", json={"legal_profiles": ["sap"]}).status_code == 422


@pytest.mark.parametrize(
    ("text", "country", "scheme"),
    [
        ("123 456 7890", "TR", "vkn"),
        ("10000000146", None, "tckn"),
        ("11111111111", "TR", "tckn"),
        ("29AAGCB7383J1Z4", "IN", "gstin"),
        ("DE136695976", "DE", "vat"),
        ("EL094259216", "GR", "vat"),
        ("DE136695976", None, None),
        ("12345", "TR", None),
    ],
)
def test_the_form_of_a_tax_number_tells_its_scheme(text: str, country: str | None, scheme: str | None) -> None:
    assert scheme_of(text, country) == scheme


def test_a_vat_number_has_the_prefix_of_its_country() -> None:
    assert vat_number("vkn", "1234567890", None) == "TR1234567890"
    assert vat_number("other", "94259216", "GR") == "EL94259216"
    assert vat_number("other", "94259216", None) is None


def test_a_credit_note_keeps_the_facts_of_its_sale(owner: FlaskClient) -> None:
    draft = create_draft(owner, buyer=a_buyer(**BUYER), items=[ITEM], **FACTS)
    sale = perform(owner, draft["id"], "issue")
    note = perform(owner, sale["id"], "credit-notes", {"reason": "torn"})
    assert {name: note["buyer"][name] for name in BUYER} == BUYER
    assert {name for name in ITEM if note["items"][0].get(name) != ITEM[name]} <= {"discount_amount", "unit_price"}
    assert {"references", "supply_type", "tax_currency"} <= note.keys()
    assert not {"due_date", "payment_terms", "prepaid_amount", "local_type"} & note.keys()
