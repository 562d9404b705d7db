"""Packing lists: replacement, pages and inspection of rolls."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.grn import samples
from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.helpers import error_body, json_body, record_statements, rejected_fields, row_counts, stored_events

ITEM = "/api/invoices/1/fabric-items/26"
ROLLS = f"{ITEM}/rolls"


@pytest.fixture
def rolls(clerk: FlaskClient) -> list[dict[str, Any]]:
    """The rolls of fabric item 26 of the demo data."""
    content: list[dict[str, Any]] = json_body(clerk.get(ROLLS))["content"]
    return content


class TestReplace:
    def test_quantities_are_computed_from_the_new_list(self, clerk: FlaskClient) -> None:
        item = json_body(clerk.put(ROLLS, json={"supplierRollList": [a_roll(5), a_roll(6.5), a_roll(7)]}))
        assert (item["id"], item["grnQty"], item["rollCount"]) == (26, 18.5, 3)
        receipt = json_body(clerk.get("/api/invoices/1"))
        assert receipt["fabricItemList"] == [item]
        assert stored_events("grn.updated") == [{"receipt": receipt}]
        assert row_counts()["supplier_rolls"] == 3

    def test_with_an_empty_list_the_sent_quantity_is_valid(self, clerk: FlaskClient) -> None:
        item = json_body(clerk.put(ROLLS, json={"supplierRollList": []}))
        assert (item["grnQty"], item["rollCount"], item["supplierRollList"]) == (1000.0, 0, [])

    def test_a_roll_with_the_same_number_keeps_its_inspection(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        inspected = json_body(clerk.patch(f"{ROLLS}/{rolls[0]['id']}", json=samples.INSPECTION))
        again = [a_roll(101.5, supplierRollNo="R100"), a_roll(1)]
        first, second = json_body(clerk.put(ROLLS, json={"supplierRollList": again}))["supplierRollList"]
        kept = ("id", "length", "width", "blanketQty", "shade", "inspectedDate")
        assert {name: first[name] for name in kept} == {name: inspected[name] for name in kept}
        assert first["supplierLength"] == 101.5
        assert "inspectedDate" not in second

    def test_a_length_below_the_stored_blanket_is_refused(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        json_body(clerk.patch(f"{ROLLS}/{rolls[1]['id']}", json={"blanketQty": 5}))
        again = {"supplierRollList": [a_roll(4, supplierRollNo="R100"), a_roll(4, supplierRollNo="R101")]}
        assert rejected_fields(clerk.put(ROLLS, json=again)) == {"supplierRollList[1].supplierLength": 4}

    def test_rolls_with_the_same_number_are_matched_in_order(self, clerk: FlaskClient) -> None:
        twins = {"supplierRollList": [a_roll(1, supplierRollNo="X"), a_roll(2, supplierRollNo="X")]}
        first = json_body(clerk.put(ROLLS, json=twins))["supplierRollList"]
        assert json_body(clerk.put(ROLLS, json=twins))["supplierRollList"] == first

    def test_wrong_fields_are_named(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        sent = {"supplierRollList": [a_roll(), a_roll(-1)]}
        assert rejected_fields(clerk.put(ROLLS, json=sent)) == {"supplierRollList[1].supplierLength": -1}
        sent = {"supplierRollList": [a_roll(id=rolls[0]["id"]), a_roll(id=rolls[0]["id"])]}
        assert rejected_fields(clerk.put(ROLLS, json=sent)) == {"supplierRollList[1].id": rolls[0]["id"]}
        error_body(clerk.put("/api/invoices/1/fabric-items/27/rolls", json={"supplierRollList": []}), 404, 40400)
        error_body(clerk.put("/api/invoices/9/fabric-items/26/rolls", json={"supplierRollList": []}), 404, 40400)

    def test_too_many_rolls_in_one_receipt_are_refused(self, clerk: FlaskClient) -> None:
        roll = {"supplierRollNo": "R", "supplierLength": 1}
        sent = a_receipt(*(a_fabric_item(supplierRollList=[roll] * count) for count in (9_000, 1)))
        receipt = json_body(clerk.post("/api/invoices", json=sent), 201)
        path = f"/api/invoices/{receipt['id']}/fabric-items/{receipt['fabricItemList'][1]['id']}/rolls"
        assert rejected_fields(clerk.put(path, json={"supplierRollList": [roll] * 1_001})) == {"supplierRollList": 1001}

    def test_the_number_of_statements_does_not_depend_on_the_rolls(self, clerk: FlaskClient) -> None:
        sent = {}
        for count in (3, 1_100):  # more than SQLAlchemy puts into one INSERT
            with record_statements() as sent[count]:
                json_body(clerk.put(ROLLS, json={"supplierRollList": [a_roll(1) for _ in range(count)]}))
        assert len(sent[1_100]) == len(sent[3]) <= 15


class TestPages:
    def test_pages_are_in_the_order_of_the_list(self, clerk: FlaskClient) -> None:
        json_body(clerk.put(ROLLS, json={"supplierRollList": [a_roll(n) for n in (3, 1, 2)]}))
        page = json_body(clerk.get(f"{ROLLS}?page=1&pageSize=2"))
        assert [roll["supplierLength"] for roll in page["content"]] == [2.0]
        assert (page["totalElements"], page["content"][0]["uomLength"]) == (3, "meter")
        error_body(clerk.get("/api/invoices/1/fabric-items/27/rolls"), 404, 40400)


class TestInspect:
    def test_findings_replace_the_values_of_the_supplier(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        roll = json_body(
            clerk.patch(f"{ROLLS}/{rolls[0]['id']}", json={**samples.INSPECTION, "weight": 9, "gsm": "180.5"})
        )
        assert {**rolls[0], "length": 99.5, "width": 144.0, "weight": 9.0, "gsm": 180.5}.items() - roll.items() == {
            ("blanketQty", 0.0),
            ("effectiveLength", 100.2),
        }
        assert (roll["effectiveLength"], roll["shade"]) == (99.0, "A")
        [event] = stored_events("grn.inspected")
        assert event == {"roll": {**roll, "invoiceId": 1, "fabricItemId": 26}}
        assert json_body(clerk.get("/api/invoices/1"))["fabricItemList"][0]["grnQty"] == 210.8

    def test_null_removes_a_finding(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        path = f"{ROLLS}/{rolls[0]['id']}"
        json_body(clerk.patch(path, json={"length": 90, "blanketQty": 1}))
        roll = json_body(clerk.patch(path, json={"length": None, "blanketQty": None}))
        assert roll == rolls[0]

    @pytest.mark.parametrize(
        ("findings", "field"),
        [
            ({"blanketQty": 100.3}, "blanketQty"),
            ({"length": 5, "blanketQty": 6}, "blanketQty"),
            ({"length": -1}, "length"),
            ({"supplierLength": 1}, "supplierLength"),
            ({}, ""),
        ],
    )
    def test_wrong_fields_are_named(self, clerk: FlaskClient, rolls: list[Any], findings: Any, field: str) -> None:
        answer = clerk.patch(f"{ROLLS}/{rolls[0]['id']}", json=findings)
        assert list(rejected_fields(answer)) == [field]
        assert "0000" not in json_body(answer, 400)["errors"][0]["message"]
        assert json_body(clerk.get(ROLLS))["content"] == rolls

    def test_a_roll_of_another_item_is_not_found(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        path = f"/rolls/{rolls[0]['id']}"
        error_body(clerk.patch(f"/api/invoices/1/fabric-items/27{path}", json={"length": 1}), 404, 40400)
        error_body(clerk.patch(f"/api/invoices/9/fabric-items/26{path}", json={"length": 1}), 404, 40400)
