"""API of goods receipts: the samples of the GRN document, all fields, refused requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from app.grn import samples
from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.helpers import error_body, json_body, rejected_fields, row_counts, stored_events

INVOICES = "/api/invoices"


class TestDocumentSamples:
    def test_create_answers_as_documented(self, clerk: FlaskClient) -> None:
        answer = clerk.post(INVOICES, json=samples.PAYLOAD)

        receipt = json_body(answer, 201)
        assert answer.headers["Location"] == f"{INVOICES}/{receipt['id']}"
        [item] = receipt["fabricItemList"]
        assert (item["grnQty"], item["rollCount"], item["grnDate"]) == (210.8, 2, 1696550400000)
        assert (item["orderingWidth"], item["externalOrderIds"]) == (145.0, "1000,1001")
        assert not {"colorCode", "orderingGsm", "orderId"} & set(item)
        assert item["supplierRollList"][1] == {
            "id": item["supplierRollList"][0]["id"] + 1,
            "supplierRollNo": "R101",
            "factoryRollNo": "INV-100/R101",
            "supplierLength": 110.6,
            "supplierWidth": 146.0,
            "uomLength": "meter",
            "uomWidth": "centimeter",
            "length": 110.6,
            "width": 146.0,
            "blanketQty": 0.0,
            "effectiveLength": 110.6,
        }
        assert b'"orderQty":1000.0,' in answer.data
        assert (
            stored_events("grn.created")[-1]["receipt"]
            == receipt
            == json_body(clerk.get(f"{INVOICES}/{receipt['id']}"))
        )

    def test_created_date_is_the_current_time_in_epoch_milliseconds(self, clerk: FlaskClient, now_ms: int) -> None:
        receipt = json_body(clerk.post(INVOICES, json=samples.PAYLOAD), 201)
        assert 0 <= receipt["createdDate"] - now_ms < 60_000

    def test_delete_by_external_id_leaves_only_an_audit_entry_and_an_event(self, clerk: FlaskClient) -> None:
        before = row_counts()
        receipt = json_body(clerk.post(INVOICES, json=samples.PAYLOAD), 201)
        item = receipt["fabricItemList"][0]["id"]
        json_body(clerk.put(f"/invoices/{receipt['id']}/fabricItems/{item}/ledgers", json=samples.ASSOCIATION))

        answer = clerk.delete(f"{INVOICES}?externalId=100")

        assert (answer.status_code, answer.data) == (204, b"")
        assert row_counts() == before
        assert stored_events("grn.deleted") == [{"receipt": receipt}]
        [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "receipt.deleted"))
        assert entry.subject == f"receipt:{receipt['id']}"
        assert entry.actor.startswith("user:")
        assert entry.details == {
            "external_id": "100",
            "supplier_id": 1,
            "invoice_no": "INV-100",
            "fabric_items": 1,
            "rolls": 2,
            "ledger_rows": 1,
        }


class TestOptionalFields:
    def test_every_optional_field_is_stored_and_returned(self, clerk: FlaskClient) -> None:
        facts = {
            "serial": 7,
            "colorCode": "19-4052",
            "orderId": 10,
            "orderingGsm": 180.0,
            "externalOrderIds": "1000, 1001,",
            "metadata": {"any": ["thing", 1.5, None]},
        }
        roll = a_roll(50.5, supplierWeight=9.25, gsm=181.0, length=50.0, width=144.0, weight=9.0, shade="B")
        sent = a_receipt(
            a_fabric_item(**facts, supplierRollList=[roll]), invoiceDate="2023-10-05", metadata={"batch": 1}
        )
        receipt = json_body(clerk.post(INVOICES, json=sent), 201)
        assert (receipt["invoiceDate"], receipt["metadata"]) == (1696464000000, {"batch": 1})
        [item] = receipt["fabricItemList"]
        assert {**facts, "externalOrderIds": "1000,1001"}.items() <= item.items()
        stored_roll = item["supplierRollList"][0]
        assert {**roll, "supplierWidth": 145.0}.items() <= stored_roll.items()
        assert (stored_roll["effectiveLength"], "inspectedDate" in stored_roll) == (50.0, True)

    def test_external_order_id_is_stored_as_a_list(self, clerk: FlaskClient) -> None:
        receipt = json_body(clerk.post(INVOICES, json=a_receipt(a_fabric_item(externalOrderId="1000"))), 201)
        assert receipt["fabricItemList"][0]["externalOrderIds"] == "1000"

    def test_receipts_without_external_id_are_never_duplicates(self, clerk: FlaskClient) -> None:
        for _ in range(2):
            json_body(clerk.post(INVOICES, json=a_receipt(externalId=None)), 201)


class TestErrors:
    def test_errors_have_the_path_and_the_rejected_value(self, clerk: FlaskClient) -> None:
        rolls = [a_roll(), a_roll(-5), a_roll(1, supplierRollNo=" ")]
        item = a_fabric_item(supplierRollList=rolls, uomLength="furlong", grnDate="2025-02-30", surprise=1)
        del item["invoiceQty"]
        sent = a_receipt(item, invoiceNo=None, supplierId="one")
        assert rejected_fields(clerk.post(INVOICES, json=sent)) == {
            "invoiceNo": None,
            "supplierId": "one",
            "fabricItemList[0].uomLength": "furlong",
            "fabricItemList[0].grnDate": "2025-02-30",
            "fabricItemList[0].surprise": 1,
            "fabricItemList[0].invoiceQty": None,
            "fabricItemList[0].supplierRollList[1].supplierLength": -5,
            "fabricItemList[0].supplierRollList[2].supplierRollNo": " ",
        }

    def test_unknown_references_are_named(self, clerk: FlaskClient) -> None:
        sent = a_receipt(a_fabric_item(), a_fabric_item(fabricId=99, orderId=98), supplierId=97)
        assert rejected_fields(clerk.post(INVOICES, json=sent)) == {
            "supplierId": 97,
            "fabricItemList[1].fabricId": 99,
            "fabricItemList[1].orderId": 98,
        }

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"externalOrderIds": "1", "externalOrderId": "2"}, "externalOrderId"),
            ({"externalOrderIds": "," * 5 + "x" * 101}, "externalOrderIds"),
            ({"externalOrderIds": "1," * 101}, "externalOrderIds"),
            ({"orderQty": "NaN"}, "orderQty"),
            ({"orderQty": 1e30}, "orderQty"),
            ({"orderQty": -0.1234567}, "orderQty"),
            ({"color": "Bl\0ue"}, "color"),
            ({"color": "x" * 101}, "color"),
            ({"grnDate": 1696550400001}, "grnDate"),
            ({"grnDate": 10**30}, "grnDate"),
            ({"grnDate": True}, "grnDate"),
            ({"supplierRollList": [a_roll(5, blanketQty=6)]}, "supplierRollList[0].blanketQty"),
            ({"supplierRollList": [a_roll(5, length=3, blanketQty=4)]}, "supplierRollList[0].blanketQty"),
            ({"supplierRollList": [a_roll(id=3)]}, "supplierRollList[0].id"),
            ({"supplierRollList": {}}, "supplierRollList"),
            ({"supplierRollList": ["R1"]}, "supplierRollList[0]"),
            ({"id": 3}, "id"),
            ({"metadata": {"x": "y" * 17_000}}, "metadata"),
        ],
    )
    def test_wrong_fields_of_items_are_named(self, clerk: FlaskClient, facts: dict[str, Any], field: str) -> None:
        before = row_counts()
        assert list(rejected_fields(clerk.post(INVOICES, json=a_receipt(a_fabric_item(**facts))))) == [
            f"fabricItemList[0].{field}"
        ]
        assert row_counts() == before

    def test_too_many_rolls_are_refused(self, clerk: FlaskClient) -> None:
        roll = {"supplierRollNo": "R", "supplierLength": 1}
        items = [a_fabric_item(supplierRollList=[roll] * 5_001) for _ in range(2)]
        assert list(rejected_fields(clerk.post(INVOICES, json=a_receipt(*items)))) == ["fabricItemList"]

    def test_a_receipt_without_items_is_refused(self, clerk: FlaskClient) -> None:
        assert rejected_fields(clerk.post(INVOICES, json=a_receipt(fabricItemList=[]))) == {"fabricItemList": []}

    def test_a_duplicate_is_refused_with_the_id_of_the_first(self, clerk: FlaskClient) -> None:
        first = json_body(clerk.post(INVOICES, json=samples.PAYLOAD), 201)
        assert error_body(clerk.post(INVOICES, json=samples.PAYLOAD), 409, 40901)["id"] == first["id"]

    def test_every_error_has_the_same_envelope(
        self, clerk: FlaskClient, anybody: FlaskClient, client_as: Callable[..., FlaskClient]
    ) -> None:
        error_body(clerk.post(INVOICES, data="{", content_type="application/json"), 400, 40000)
        error_body(clerk.post(INVOICES, data="<x/>", content_type="text/xml"), 415, 41500)
        error_body(anybody.post(INVOICES, json={}), 401, 40100)
        error_body(client_as("billing").post(INVOICES, json={}), 403, 40300)
        error_body(clerk.get(f"{INVOICES}/99"), 404, 40400)
        error_body(clerk.get(f"{INVOICES}/{2**70}"), 404, 40400)
        error_body(clerk.patch(INVOICES, json={}), 405, 40500)
        error_body(clerk.post(INVOICES, data=b" " * (33 * 2**20), content_type="application/json"), 413, 41300)
        error_body(clerk.get("/invoices/1/nothing"), 404, 40400)

    def test_delete_needs_a_known_id_or_external_id(self, clerk: FlaskClient) -> None:
        assert rejected_fields(clerk.delete(INVOICES)) == {"externalId": None}
        error_body(clerk.delete(f"{INVOICES}?externalId=nobody"), 404, 40400)
        error_body(clerk.delete(f"{INVOICES}/99"), 404, 40400)
        assert clerk.delete(f"{INVOICES}/1").status_code == 204
