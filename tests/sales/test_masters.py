"""Customers, salesmen, couriers and the gap report over HTTP."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.sales.queries import gaps, search
from tests.factories import a_sale, an_item
from tests.sales.helpers import imported


@pytest.fixture
def billing(client_as: Callable[..., FlaskClient]) -> FlaskClient:
    return client_as("billing")


def walked(client: FlaskClient, path: str | None) -> list[dict[str, Any]]:
    found = []
    while path:
        page = client.get(path).json
        found += page["results"]
        path = page["next"]
    return found


class TestCustomers:
    def test_listed_by_name_without_gap_or_repeat(self, erp: FlaskClient) -> None:
        for number in range(7):
            imported(erp, customer={"code": f"C{number}", "name": f"Shop {number % 3}"})
        found = walked(erp, "/api/sales/customers/?page_size=2")
        assert [c["name"] for c in found] == sorted(f"Shop {n % 3}" for n in range(7))
        assert len({c["code"] for c in found}) == 7

    @pytest.mark.parametrize(
        ("asked", "names"), [("life", ["LifeCare"]), ("c-77", ["LifeCare"]), ("care", []), ("%", [])]
    )
    def test_searched_by_beginnings_of_words(self, erp: FlaskClient, asked: str, names: list[str]) -> None:
        imported(erp, customer={"code": "C-77", "name": "LifeCare"})
        imported(erp, customer={"code": "C-78", "name": "Other"})
        found = erp.get("/api/sales/customers/", query_string={"search": asked}).json["results"]
        assert [c["name"] for c in found] == names

    def test_edited_and_found_under_the_new_name(self, erp: FlaskClient, billing: FlaskClient) -> None:
        number = imported(erp)
        [customer] = billing.get("/api/sales/customers/").json["results"]
        path = f"/api/sales/customers/{customer['id']}/"
        answer = billing.patch(path, json={"name": "Newlife Pharmacy", "phone1": ""})
        assert answer.json["data"]["name"] == "Newlife Pharmacy"
        assert billing.get(path).json["phone1"] == ""
        found = billing.get("/api/sales/invoices/?search=newlife").json["results"]
        assert [i["invoice_no"] for i in found] == [number]
        assert billing.get("/api/sales/invoices/?search=lifecare").json["results"] == []

    def test_what_legal_documents_need_is_edited_and_outlives_an_import(
        self, erp: FlaskClient, billing: FlaskClient
    ) -> None:
        imported(erp, customer={"code": "C-1", "name": "LifeCare"})
        [customer] = billing.get("/api/sales/customers/").json["results"]
        assert (customer["tax_id"], customer["tax_scheme"], customer["country"]) == ("", "", "")
        path, facts = f"/api/sales/customers/{customer['id']}/", {"tax_id": "1234567890", "tax_scheme": "vkn"}
        facts |= {"city": "İstanbul", "country": "TR", "endpoint": "1234567890", "endpoint_scheme": "9952"}
        assert billing.patch(path, json=facts).status_code == 200
        imported(erp, customer={"code": "C-1", "name": "LifeCare"})
        assert billing.get(path).json.items() >= facts.items()
        assert billing.patch(path, json={"tax_id": "", "tax_scheme": ""}).json["data"]["tax_id"] == ""
        refused = erp.post("/api/sales/import/invoice/", json=a_sale(customer={"code": "C-1", "name": "A", **facts}))
        assert refused.status_code == 400  # the import does not have these fields

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"tax_id": "1234567891", "tax_scheme": "vkn"}, "tax_id"),
            ({"tax_id": "12345", "tax_scheme": "gstin"}, "tax_id"),
            ({"tax_scheme": "moon"}, "tax_scheme"),
            ({"country": "tr"}, "country"),
            ({"endpoint": "123"}, "endpoint_scheme"),
            ({"endpoint_scheme": "0088"}, "endpoint_scheme"),
        ],
    )
    def test_wrong_facts_are_refused(
        self, erp: FlaskClient, billing: FlaskClient, facts: dict[str, str], field: str
    ) -> None:
        imported(erp)
        [customer] = billing.get("/api/sales/customers/").json["results"]
        refused = billing.patch(f"/api/sales/customers/{customer['id']}/", json=facts)
        assert (refused.status_code, list(refused.json["errors"])) == (400, [field])
        assert billing.get("/api/sales/customers/").json["results"] == [customer]

    def test_a_stored_tax_number_must_fit_another_scheme(self, erp: FlaskClient, billing: FlaskClient) -> None:
        imported(erp)
        [customer] = billing.get("/api/sales/customers/").json["results"]
        path = f"/api/sales/customers/{customer['id']}/"
        assert billing.patch(path, json={"tax_id": "12 345"}).status_code == 200
        assert list(billing.patch(path, json={"tax_scheme": "vkn"}).json["errors"]) == ["tax_id"]
        assert billing.patch(path, json={"phone1": "1"}).status_code == 200

    @pytest.mark.parametrize("few", [0, 200])
    def test_invoices_are_found_by_customer_and_item_together(
        self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch, few: int
    ) -> None:
        monkeypatch.setattr(search, "FEW_CUSTOMERS", few)
        wanted = imported(erp, items=[an_item(name="Zincovit")])
        imported(erp, items=[an_item(name="Dolo")])
        imported(erp, items=[an_item(name="Zincovit")], customer={"code": "C2", "name": "Other"})
        found = erp.get("/api/sales/invoices/?search=zinco%20lifec").json
        assert [i["invoice_no"] for i in found["results"]] == [wanted]
        assert found["count"] == 1

    def test_refusals(self, erp: FlaskClient, billing: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
        imported(erp)
        assert billing.get("/api/sales/customers/99/").json == {"success": False, "message": "Customer not found."}
        assert billing.patch("/api/sales/customers/99/", json={}).status_code == 404
        assert billing.patch("/api/sales/customers/1/", json={"code": "X"}).json["errors"] == {
            "code": ["Unknown field."]
        }
        assert billing.patch("/api/sales/customers/1/", json={"name": " "}).status_code == 400
        assert client_as("warehouse").patch("/api/sales/customers/1/", json={}).status_code == 403
        nul = base64.urlsafe_b64encode(b'["\\u0000",1]').decode()
        for cursor in ("rubbish", nul):
            refused = billing.get(f"/api/sales/customers/?cursor={cursor}")
            assert refused.status_code == 400
            assert refused.json["errors"] == {"cursor": ["Not a cursor of this list."]}


class TestSalesmen:
    def test_listed_renamed_and_unique(self, erp: FlaskClient, billing: FlaskClient) -> None:
        for name in ("Ajay", "Binu"):
            imported(erp, salesman=name)
        found = billing.get("/api/sales/salesmen/?search=aj").json["results"]
        assert [s["name"] for s in found] == ["Ajay"]
        path = f"/api/sales/salesmen/{found[0]['id']}/"
        assert billing.patch(path, json={"name": "Ajay K"}).json["data"]["name"] == "Ajay K"
        assert billing.get(path).json["name"] == "Ajay K"
        taken = billing.patch(path, json={"name": "Binu"})
        assert (taken.status_code, taken.json["message"]) == (409, "A salesman with this name already exists.")


class TestCouriers:
    def test_added_edited_listed(self, client_as: Callable[..., FlaskClient]) -> None:
        clerk = client_as("warehouse")
        added = clerk.post("/api/sales/couriers/", json={"code": "DTDC", "name": "DTDC Express"})
        assert added.status_code == 201
        again = clerk.post("/api/sales/couriers/", json={"code": "DTDC", "name": "x"})
        assert (again.status_code, again.json["message"]) == (409, "A courier with this code already exists.")
        path = f"/api/sales/couriers/{added.json['data']['id']}/"
        assert clerk.patch(path, json={"is_active": False}).json["data"]["is_active"] is False
        assert clerk.get(path).json["name"] == "DTDC Express"
        assert [c["code"] for c in clerk.get("/api/sales/couriers/").json["results"]] == ["DTDC"]


class TestGaps:
    def test_what_is_missing_between_first_and_last(self, erp: FlaskClient) -> None:
        for number in (3, 4, 7, 10):
            erp.post("/api/sales/import/invoice/", json=a_sale(invoice_no=f"LTPI-{number:05}"))
        imported(erp, invoice_no="OTHER-5")
        answer = erp.get("/api/sales/gaps/?prefix=LTPI-").json
        assert answer == {
            "prefix": "LTPI-",
            "first": 3,
            "last": 10,
            "present": 4,
            "missing": 4,
            "gaps": [{"first": 5, "last": 6, "count": 2}, {"first": 8, "last": 9, "count": 2}],
            "next_first": None,
        }
        wider = erp.get("/api/sales/gaps/?prefix=LTPI-&first=1&last=12").json
        assert wider["gaps"][0] == {"first": 1, "last": 2, "count": 2}
        assert wider["gaps"][-1] == {"first": 11, "last": 12, "count": 2}
        assert wider["missing"] + wider["present"] == 12

    @pytest.mark.parametrize("prefix", ["\u00c9 A ", "\ufeff\t\u00c9 A ", "E\u0301 A "])
    def test_the_prefix_is_clean_as_numbers_are(self, erp: FlaskClient, prefix: str) -> None:
        imported(erp, invoice_no="\u00c9 A 7")
        answer = erp.get("/api/sales/gaps/", query_string={"prefix": prefix}).json
        assert (answer["prefix"], answer["present"]) == ("\u00c9 A ", 1)

    def test_a_long_series_is_looked_at_in_stretches(self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gaps, "MAX_NUMBERS", 10)
        monkeypatch.setattr(gaps, "MAX_GAPS", 2)
        present = [1, 3, 5, 7, 8, 20, 31]
        for number in present:
            imported(erp, invoice_no=f"A{number}")
        missing, following = [], 1
        while following:
            page = erp.get(f"/api/sales/gaps/?prefix=A&first={following}").json
            missing += [n for gap in page["gaps"] for n in range(gap["first"], gap["last"] + 1)]
            following = page["next_first"]
        assert missing == sorted({*range(1, 32)} - {*present})

    def test_an_unknown_series_and_bad_questions(self, erp: FlaskClient) -> None:
        assert erp.get("/api/sales/gaps/?prefix=NONE").json["present"] == 0
        assert erp.get("/api/sales/gaps/").status_code == 400
        assert erp.get("/api/sales/gaps/?prefix=A&first=-1").status_code == 400
