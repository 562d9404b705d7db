"""Drafts: create, change, and create from a sales invoice."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.queries.lookup import find_for_update
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.sales.models.masters import Customer
from tests.einvoices.helpers import URL, create_draft, perform
from tests.factories import a_draft, a_sale, an_item


def billed(owner: FlaskClient, sale: dict[str, Any]) -> dict[str, Any]:
    """The draft of a sales invoice."""
    answer = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"]})
    assert answer.status_code == 201, answer.json
    return answer.json


def test_a_draft_has_totals_and_no_number(owner: FlaskClient) -> None:
    draft = create_draft(owner, metadata={"erp": 7})
    assert draft["status"] == "draft"
    assert (draft["invoice_no"], draft["issued_at"], draft["pdf_url"]) == (None, None, None)
    totals = {"subtotal": 100.0, "tax_total": 20.0, "discount_total": 0.0, "grand_total": 120.0, "currency": "TRY"}
    assert draft["totals"] == totals
    assert draft["metadata"] == {"erp": 7}
    assert owner.get(f"{URL}/{draft['id']}").json["items"] == draft["items"]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"items": []}, "items"),
        ({"buyer": {}}, "buyer.name"),
        ({"currency": "XYZ"}, "currency"),
        ({"color": "red"}, "color"),
        ({"items": [{"name": "x", "quantity": 0, "unit_price": 1}]}, "items.0.quantity"),
        ({"items": [{"name": "x", "quantity": 1, "unit_price": 1, "discount_amount": 2}]}, "items.0.discount_amount"),
        ({"items": [{"name": "x", "quantity": 1, "unit_price": 1, "vat_rate": 101}]}, "items.0.vat_rate"),
        ({"items": [{"name": "x", "quantity": 999999999, "unit_price": 9999999999}]}, "items"),
        ({"buyer": {"name": "a\0b"}}, "buyer.name"),
        ({"metadata": {"a": "x" * 20000}}, "metadata"),
    ],
)
def test_an_invalid_draft_gets_errors_by_field(owner: FlaskClient, facts: dict[str, Any], field: str) -> None:
    answer = owner.post(URL, json=a_draft(**facts))
    assert answer.status_code == 422
    assert field in answer.json["errors"]


def test_only_a_draft_can_be_changed(owner: FlaskClient) -> None:
    draft = create_draft(owner)
    lines = [
        {"name": "Pen", "quantity": 3, "unit_price": 1.115, "vat_rate": 1},
        {"name": "Ink", "quantity": 1, "unit_price": 2},
    ]
    answer = owner.patch(f"{URL}/{draft['id']}", json={"items": lines, "buyer": {"name": "Ali"}, "marketplace": None})
    assert answer.status_code == 200
    assert [item["name"] for item in answer.json["items"]] == ["Pen", "Ink"]
    assert answer.json["totals"]["subtotal"] == Decimal("5.35")
    assert (answer.json["buyer"]["name"], answer.json["buyer"]["email"]) == ("Ali", "ayse@shop.example")
    perform(owner, draft["id"], "issue")
    late = owner.patch(f"{URL}/{draft['id']}", json={"notes": "x"})
    assert (late.status_code, late.json["error"]) == (409, "WRONG_STATE")


class TestFromSales:
    def test_a_repeated_request_returns_the_same_draft(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
        body = {"invoice_no": sale["invoice_no"], "vat_rate": 10}
        first, second = (owner.post(f"{URL}/from-sales", json=body) for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json["id"] == second.json["id"]
        assert first.json["totals"]["grand_total"] == 1012.0
        assert first.json["buyer"]["name"] == "LifeCare Pharmacy"
        assert first.json["sales_invoice_no"] == sale["invoice_no"]

    def test_barcode_batch_and_expiry_are_taken_over(self, owner: FlaskClient, erp: FlaskClient) -> None:
        packs = [
            an_item(barcode="8690000000012", batch_no="B456", expiry_date="2027-03-31"),
            an_item(barcode="BC-1", batch_no="", expiry_date=None),
        ]
        sale = a_sale(items=packs)
        assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
        draft = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"]}).json
        pack, other = draft["items"]
        assert (pack["gtin"], pack["batch"], pack["expiry"]) == ("8690000000012", "B456", "2027-03-31")
        assert not {"gtin", "batch", "expiry"} & other.keys()

    def test_the_buyer_has_the_legal_facts_of_the_customer(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        assert not {"postal_address", "tax_scheme", "endpoint"} & billed(owner, sale)["buyer"].keys()
        with unit_of_work():
            customer = db.session.scalars(db.select(Customer)).one()
            customer.tax_id, customer.tax_scheme, customer.tax_office = "1234567890", "vkn", "Kadıköy"
            customer.address1, customer.address2, customer.address3 = "Bahariye Cad. 12", "Kat 2", "Arka"
            customer.pincode, customer.district, customer.city, customer.country = "34710", "Kadıköy", "İstanbul", "TR"
            customer.endpoint, customer.endpoint_scheme = "1234567890", "9952"
        second = a_sale(customer={"code": sale["customer"]["code"], "name": sale["customer"]["name"]})
        erp.post("/api/sales/import/invoice/", json=second)
        buyer = billed(owner, second)["buyer"]
        assert (buyer["tax_id"], buyer["tax_scheme"], buyer["tax_office"]) == ("1234567890", "vkn", "Kadıköy")
        assert buyer["endpoint"] == {"value": "1234567890", "scheme": "9952"}
        assert buyer["postal_address"] == {
            "street": "Bahariye Cad. 12",
            "additional": "Kat 2, Arka",
            "district": "Kadıköy",
            "city": "İstanbul",
            "postcode": "34710",
            "country": "TR",
        }

    def test_a_correction_keeps_the_facts_that_no_sales_invoice_has(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        body = {"invoice_no": sale["invoice_no"]}
        first = owner.post(f"{URL}/from-sales", json=body).json
        items = [
            {**{name: item[name] for name in ("sku", "name", "quantity", "unit_price", "vat_rate")}, "unit": "XBX"}
            for item in first["items"]
        ]
        facts = {"items": items, "buyer_reference": "R-1", "due_date": "2027-01-01", "allowances": [{"amount": 1}]}
        assert owner.patch(f"{URL}/{first['id']}", json=facts).status_code == 200
        perform(owner, first["id"], "issue")
        with unit_of_work():
            find_for_update(first["id"], None).status = "rejected"
        correction = owner.post(f"{URL}/from-sales", json=body).json
        assert correction["corrects_id"] == first["id"]
        assert [item["unit"] for item in correction["items"]] == ["XBX", "XBX"]
        assert (correction["buyer_reference"], correction["due_date"]) == ("R-1", "2027-01-01")
        assert "allowances" not in correction

    def test_vat_rates_apply_by_item_code(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        rates = [{"item_code": sale["items"][0]["item_code"], "vat_rate": 1}]
        answer = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"], "vat_rates": rates})
        assert [item["vat_rate"] for item in answer.json["items"]] == [1.0, 20.0]

    def test_a_rate_for_an_unknown_item_is_refused(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        rates = [{"item_code": "typo", "vat_rate": 1}]
        answer = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"], "vat_rates": rates})
        assert answer.status_code == 422
        assert answer.json["errors"] == {"vat_rates": ["The sales invoice has no item typo."]}

    def test_parallel_requests_create_one_draft(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        body = {"invoice_no": sale["invoice_no"]}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: owner.post(f"{URL}/from-sales", json=body), range(16)))
        assert Counter(a.status_code for a in answers) == {201: 1, 200: 15}
        assert len({a.json["id"] for a in answers}) == 1

    def test_after_a_cancellation_a_new_draft_is_created(self, owner: FlaskClient, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post("/api/sales/import/invoice/", json=sale)
        first = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"]}).json
        perform(owner, first["id"], "cancel", {"reason": "wrong rate"})
        again = owner.post(f"{URL}/from-sales", json={"invoice_no": sale["invoice_no"]})
        assert again.status_code == 201
        assert again.json["id"] != first["id"]

    def test_an_unknown_invoice_number_is_a_field_error(self, owner: FlaskClient) -> None:
        answer = owner.post(f"{URL}/from-sales", json={"invoice_no": "nope"})
        assert answer.status_code == 422
        assert answer.json["errors"] == {"invoice_no": ["No sales invoice has this number."]}
