"""Services of goods receipts: concurrent creates, number of SQL statements, replacement."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.grn import samples
from app.kernel.http.app import Hub
from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.helpers import error_body, json_body, record_statements, rejected_fields, row_counts, stored_events

INVOICES = "/api/invoices"


def _create_receipt(clerk: FlaskClient) -> int:
    receipt_id: int = json_body(clerk.post(INVOICES, json=a_receipt()), 201)["id"]
    return receipt_id


class TestConcurrency:
    def test_twenty_concurrent_creates_with_one_external_id_store_one_receipt(
        self, app: Hub, clerk: FlaskClient
    ) -> None:
        def create(_number: int) -> Any:
            return clerk.post(INVOICES, json=samples.PAYLOAD)

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(create, range(20)))

        [first] = [json_body(answer, 201) for answer in answers if answer.status_code == 201]
        others = [error_body(answer, 409, 40901) for answer in answers if answer.status_code != 201]
        assert [other["id"] for other in others] == [first["id"]] * 19
        assert row_counts()["goods_receipts"] == 2

    def test_a_repeated_idempotency_key_creates_no_second_receipt(self, clerk: FlaskClient) -> None:
        sent, key = a_receipt(externalId=None), {"Idempotency-Key": "once"}
        first, second = (clerk.post(INVOICES, json=sent, headers=key) for _ in range(2))
        assert first.data == second.data
        assert second.headers["Idempotent-Replayed"] == "true"
        assert second.headers["Location"] == first.headers["Location"]

    def test_a_reference_that_is_deleted_at_the_same_time_is_named(self, clerk: FlaskClient) -> None:
        with db.engine.begin() as connection:
            supplier = connection.scalar(text("INSERT INTO suppliers (name) VALUES ('Gone') RETURNING id"))
        with db.engine.connect() as deleting, ThreadPoolExecutor(1) as pool:
            deleting.execute(text("DELETE FROM suppliers WHERE id = :id"), {"id": supplier})
            answer = pool.submit(clerk.post, INVOICES, json=a_receipt(supplierId=supplier))
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not answer.done() and not deleting.scalar(waiting):
                pass
            deleting.commit()
            assert rejected_fields(answer.result()) == {"supplierId": supplier}


class TestStatementCount:
    def test_the_number_of_statements_does_not_depend_on_the_rolls(self, clerk: FlaskClient) -> None:
        sent = {}  # 1,500 rolls: more than SQLAlchemy puts into one INSERT
        for rolls in (2, 60):
            items = [a_fabric_item(*[100.25] * rolls) for _ in range(25)]
            with record_statements() as sent[rolls]:
                receipt = json_body(clerk.post(INVOICES, json=a_receipt(*items)), 201)
            assert sum(len(item["supplierRollList"]) for item in receipt["fabricItemList"]) == 25 * rolls
            assert receipt["fabricItemList"][24]["grnQty"] == 100.25 * rolls
            with record_statements() as sent[-rolls]:
                assert json_body(clerk.get(f"{INVOICES}/{receipt['id']}")) == receipt
            with record_statements() as sent[rolls, "put"]:
                assert json_body(clerk.put(f"{INVOICES}/{receipt['id']}", json=receipt)) == receipt
        assert len(sent[60]) == len(sent[2]) <= 12
        assert len(sent[-60]) == len(sent[-2]) <= 6
        assert len(sent[60, "put"]) == len(sent[2, "put"]) <= 16


class TestChange:
    def test_the_body_of_a_get_can_be_put_back(self, clerk: FlaskClient) -> None:
        receipt = json_body(clerk.post(INVOICES, json=samples.PAYLOAD), 201)
        assert json_body(clerk.put(f"{INVOICES}/{receipt['id']}", json=receipt)) == receipt
        assert stored_events("grn.updated") == [{"receipt": receipt}]

    def test_a_corrected_supplier_length_is_no_inspection(self, clerk: FlaskClient) -> None:
        receipt = json_body(clerk.post(INVOICES, json=samples.PAYLOAD), 201)
        receipt["fabricItemList"][0]["supplierRollList"][0]["supplierLength"] = 105
        after = json_body(clerk.put(f"{INVOICES}/{receipt['id']}", json=receipt))
        roll = after["fabricItemList"][0]["supplierRollList"][0]
        assert (roll["length"], roll["effectiveLength"], "inspectedDate" in roll) == (105.0, 105.0, False)

    def test_matching_items_and_rolls_keep_their_ids(self, clerk: FlaskClient) -> None:
        sent = a_receipt(a_fabric_item(1, 2, externalId="a"), a_fabric_item(3, externalId="b"))
        before = json_body(clerk.post(INVOICES, json=sent), 201)
        first, second = sent["fabricItemList"]
        first["supplierRollList"] = [a_roll(9), first["supplierRollList"][1]]
        sent["fabricItemList"] = [a_fabric_item(7, externalId="c"), first]

        after = json_body(clerk.put(f"{INVOICES}/{before['id']}", json=sent))

        new, kept = after["fabricItemList"]
        assert kept["id"] == before["fabricItemList"][0]["id"]
        assert (kept["grnQty"], new["grnQty"]) == (11.0, 7.0)
        assert kept["supplierRollList"][1]["id"] == before["fabricItemList"][0]["supplierRollList"][1]["id"]
        known = {item["id"] for item in before["fabricItemList"]}
        assert new["id"] not in known
        assert after == json_body(clerk.get(f"{INVOICES}/{before['id']}"))
        assert second["externalId"] not in {item["externalId"] for item in after["fabricItemList"]}

    def test_the_created_date_does_not_change(self, clerk: FlaskClient) -> None:
        before = json_body(clerk.get(f"{INVOICES}/1"))
        after = json_body(clerk.put(f"{INVOICES}/1", json={**before, "createdDate": 0, "erpInvoiceNo": "new"}))
        assert (after["createdDate"], after["erpInvoiceNo"]) == (before["createdDate"], "new")

    def test_an_item_with_ledger_rows_cannot_be_removed(self, clerk: FlaskClient) -> None:
        json_body(clerk.put("/invoices/1/fabricItems/26/ledgers", json=samples.ASSOCIATION))
        before = row_counts()
        body = error_body(clerk.put(f"{INVOICES}/1", json=a_receipt()), 409, 40900)
        assert body["fabricItemIds"] == [26]
        assert row_counts() == before

    def test_the_external_id_of_another_receipt_is_refused(self, clerk: FlaskClient) -> None:
        assert (
            error_body(
                clerk.put(f"{INVOICES}/{_create_receipt(clerk)}", json=a_receipt(externalId="DEMO-1")), 409, 40901
            )["id"]
            == 1
        )

    def test_unknown_and_repeated_ids_are_refused(self, clerk: FlaskClient) -> None:
        sent = a_receipt(a_fabric_item(id=26), a_fabric_item(id=26), a_fabric_item(id=999))
        assert rejected_fields(clerk.put(f"{INVOICES}/1", json=sent)) == {
            "fabricItemList[1].id": 26,
            "fabricItemList[2].id": 999,
        }
        sent = a_receipt(a_fabric_item(id=26, supplierRollList=[a_roll(id=999)]))
        assert rejected_fields(clerk.put(f"{INVOICES}/1", json=sent)) == {
            "fabricItemList[0].supplierRollList[0].id": 999
        }
        error_body(clerk.put(f"{INVOICES}/99", json=a_receipt()), 404, 40400)
