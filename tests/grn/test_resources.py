"""Goods receipts over HTTP: booked in, read, changed, listed, deleted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from app.grn import samples
from app.grn.demo import make_demo
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.reading import counts, faults, refused, said, statements, stored

INVOICES = "/api/invoices"


class TestTheDocumentsSamples:
    def test_create_answers_in_the_documented_shape(self, clerk: FlaskClient) -> None:
        answer = clerk.post(INVOICES, json=samples.PAYLOAD)

        receipt = said(answer, 201)
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
        assert stored("grn.created")[-1]["receipt"] == receipt == said(clerk.get(f"{INVOICES}/{receipt['id']}"))

    def test_created_date_is_now_in_epoch_milliseconds(self, clerk: FlaskClient, now_ms: int) -> None:
        receipt = said(clerk.post(INVOICES, json=samples.PAYLOAD), 201)
        assert 0 <= receipt["createdDate"] - now_ms < 60_000

    def test_delete_by_external_id_leaves_nothing_but_a_trace(self, clerk: FlaskClient) -> None:
        before = counts()
        receipt = said(clerk.post(INVOICES, json=samples.PAYLOAD), 201)
        item = receipt["fabricItemList"][0]["id"]
        said(clerk.put(f"/invoices/{receipt['id']}/fabricItems/{item}/ledgers", json=samples.ASSOCIATION))

        answer = clerk.delete(f"{INVOICES}?externalId=100")

        assert (answer.status_code, answer.data) == (204, b"")
        assert counts() == before
        assert stored("grn.deleted") == [{"receipt": receipt}]
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

    def test_the_demo_is_made_once(self, clerk: FlaskClient) -> None:
        before = counts()
        with unit_of_work():
            assert not make_demo()
        assert counts() == before
        assert said(clerk.get(f"{INVOICES}/1"))["fabricItemList"][0]["id"] == 26


class TestDerivedQuantities:
    def test_kilograms_are_summed_from_the_weights(self, clerk: FlaskClient) -> None:
        rolls = [a_roll(100, supplierWeight="20.25"), a_roll(90, supplierWeight=19.5), a_roll(80)]
        item = a_fabric_item(uomLength="kilogram", grnQty=5, supplierRollList=rolls)
        [item] = said(clerk.post(INVOICES, json=a_receipt(item)), 201)["fabricItemList"]
        assert (item["grnQty"], item["rollCount"]) == (39.75, 3)
        assert item["supplierRollList"][0]["weight"] == 20.25

    @pytest.mark.parametrize("rolls", [[], None, [{"supplierRollNo": "R1"}]])
    def test_without_a_measured_roll_what_was_sent_stays(self, clerk: FlaskClient, rolls: Any) -> None:
        item = a_fabric_item(grnQty=777.5, supplierRollList=rolls)
        [item] = said(clerk.post(INVOICES, json=a_receipt(item)), 201)["fabricItemList"]
        assert item["grnQty"] == 777.5

    def test_a_sum_that_cannot_be_stored_is_refused(self, clerk: FlaskClient) -> None:
        item = a_fabric_item(999_999_999_999, 999_999_999_999)
        assert faults(clerk.post(INVOICES, json=a_receipt(item))) == {"fabricItemList[0].grnQty": 1999999999998.0}

    def test_decimals_are_exact(self, clerk: FlaskClient) -> None:
        item = a_fabric_item(*[0.1] * 10)
        assert said(clerk.post(INVOICES, json=a_receipt(item)), 201)["fabricItemList"][0]["grnQty"] == 1.0


class TestOptionalFields:
    def test_every_field_of_the_tables_comes_back(self, clerk: FlaskClient) -> None:
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
        receipt = said(clerk.post(INVOICES, json=sent), 201)
        assert (receipt["invoiceDate"], receipt["metadata"]) == (1696464000000, {"batch": 1})
        [item] = receipt["fabricItemList"]
        assert {**facts, "externalOrderIds": "1000,1001"}.items() <= item.items()
        stored_roll = item["supplierRollList"][0]
        assert {**roll, "supplierWidth": 145.0}.items() <= stored_roll.items()
        assert (stored_roll["effectiveLength"], "inspectedDate" in stored_roll) == (50.0, True)

    def test_one_external_order_is_a_list_of_one(self, clerk: FlaskClient) -> None:
        receipt = said(clerk.post(INVOICES, json=a_receipt(a_fabric_item(externalOrderId="1000"))), 201)
        assert receipt["fabricItemList"][0]["externalOrderIds"] == "1000"

    def test_without_an_external_id_nothing_is_a_duplicate(self, clerk: FlaskClient) -> None:
        for _ in range(2):
            said(clerk.post(INVOICES, json=a_receipt(externalId=None)), 201)


class TestRefusals:
    def test_paths_lead_to_the_rejected_value(self, clerk: FlaskClient) -> None:
        rolls = [a_roll(), a_roll(-5), a_roll(1, supplierRollNo=" ")]
        item = a_fabric_item(supplierRollList=rolls, uomLength="furlong", grnDate="2025-02-30", surprise=1)
        del item["invoiceQty"]
        sent = a_receipt(item, invoiceNo=None, supplierId="one")
        assert faults(clerk.post(INVOICES, json=sent)) == {
            "invoiceNo": None,
            "supplierId": "one",
            "fabricItemList[0].uomLength": "furlong",
            "fabricItemList[0].grnDate": "2025-02-30",
            "fabricItemList[0].surprise": 1,
            "fabricItemList[0].invoiceQty": None,
            "fabricItemList[0].supplierRollList[1].supplierLength": -5,
            "fabricItemList[0].supplierRollList[2].supplierRollNo": " ",
        }

    def test_unknown_references_name_their_fields(self, clerk: FlaskClient) -> None:
        sent = a_receipt(a_fabric_item(), a_fabric_item(fabricId=99, orderId=98), supplierId=97)
        assert faults(clerk.post(INVOICES, json=sent)) == {
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
            ({"orderQty": 0.1234567}, "orderQty"),
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
    def test_bad_items_are_refused_by_name(self, clerk: FlaskClient, facts: dict[str, Any], field: str) -> None:
        before = counts()
        assert list(faults(clerk.post(INVOICES, json=a_receipt(a_fabric_item(**facts))))) == [
            f"fabricItemList[0].{field}"
        ]
        assert counts() == before

    def test_a_receipt_holds_no_more_rolls_than_it_may(self, clerk: FlaskClient) -> None:
        roll = {"supplierRollNo": "R", "supplierLength": 1}
        items = [a_fabric_item(supplierRollList=[roll] * 5_001) for _ in range(2)]
        assert list(faults(clerk.post(INVOICES, json=a_receipt(*items)))) == ["fabricItemList"]

    def test_without_items_there_is_no_receipt(self, clerk: FlaskClient) -> None:
        assert faults(clerk.post(INVOICES, json=a_receipt(fabricItemList=[]))) == {"fabricItemList": []}

    def test_a_repeat_is_told_whose_it_is(self, clerk: FlaskClient) -> None:
        first = said(clerk.post(INVOICES, json=samples.PAYLOAD), 201)
        assert refused(clerk.post(INVOICES, json=samples.PAYLOAD), 409, 40901)["id"] == first["id"]

    def test_failures_of_every_kind_keep_the_envelope(
        self, clerk: FlaskClient, anybody: FlaskClient, client_as: Callable[..., FlaskClient]
    ) -> None:
        refused(clerk.post(INVOICES, data="{", content_type="application/json"), 400, 40000)
        refused(clerk.post(INVOICES, data="<x/>", content_type="text/xml"), 415, 41500)
        refused(anybody.post(INVOICES, json={}), 401, 40100)
        refused(client_as("billing").post(INVOICES, json={}), 403, 40300)
        refused(clerk.get(f"{INVOICES}/99"), 404, 40400)
        refused(clerk.get(f"{INVOICES}/{2**70}"), 404, 40400)
        refused(clerk.patch(INVOICES, json={}), 405, 40500)
        refused(clerk.post(INVOICES, data=b" " * (33 * 2**20), content_type="application/json"), 413, 41300)
        refused(clerk.get("/invoices/1/nothing"), 404, 40400)

    def test_deleting_needs_to_know_what(self, clerk: FlaskClient) -> None:
        assert faults(clerk.delete(INVOICES)) == {"externalId": None}
        refused(clerk.delete(f"{INVOICES}?externalId=nobody"), 404, 40400)
        refused(clerk.delete(f"{INVOICES}/99"), 404, 40400)
        assert clerk.delete(f"{INVOICES}/1").status_code == 204


class TestRaces:
    def test_twenty_creates_of_one_external_id_give_one(self, app: Hub, clerk: FlaskClient) -> None:
        def create(_number: int) -> Any:
            return clerk.post(INVOICES, json=samples.PAYLOAD)

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(create, range(20)))

        [first] = [said(answer, 201) for answer in answers if answer.status_code == 201]
        others = [refused(answer, 409, 40901) for answer in answers if answer.status_code != 201]
        assert [other["id"] for other in others] == [first["id"]] * 19
        assert counts()["goods_receipts"] == 2

    def test_a_repeated_key_makes_no_second_receipt(self, clerk: FlaskClient) -> None:
        sent, key = a_receipt(externalId=None), {"Idempotency-Key": "once"}
        first, second = (clerk.post(INVOICES, json=sent, headers=key) for _ in range(2))
        assert first.data == second.data
        assert second.headers["Idempotent-Replayed"] == "true"
        assert second.headers["Location"] == first.headers["Location"]

    def test_a_reference_that_is_being_deleted_is_named(self, clerk: FlaskClient) -> None:
        with db.engine.begin() as connection:
            supplier = connection.scalar(text("INSERT INTO suppliers (name) VALUES ('Gone') RETURNING id"))
        with db.engine.connect() as deleting, ThreadPoolExecutor(1) as pool:
            deleting.execute(text("DELETE FROM suppliers WHERE id = :id"), {"id": supplier})
            answer = pool.submit(clerk.post, INVOICES, json=a_receipt(supplierId=supplier))
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not answer.done() and not deleting.scalar(waiting):
                pass
            deleting.commit()
            assert faults(answer.result()) == {"supplierId": supplier}


class TestManyRolls:
    def test_statements_do_not_grow_with_the_rolls(self, clerk: FlaskClient) -> None:
        sent = {}
        for rolls in (2, 200):
            items = [a_fabric_item(*[100.25] * rolls) for _ in range(50)]
            with statements() as sent[rolls]:
                receipt = said(clerk.post(INVOICES, json=a_receipt(*items)), 201)
            assert sum(len(item["supplierRollList"]) for item in receipt["fabricItemList"]) == 50 * rolls
            assert receipt["fabricItemList"][49]["grnQty"] == 100.25 * rolls
            with statements() as sent[-rolls]:
                assert said(clerk.get(f"{INVOICES}/{receipt['id']}")) == receipt
            with statements() as sent[rolls, "put"]:
                assert said(clerk.put(f"{INVOICES}/{receipt['id']}", json=receipt)) == receipt
        assert len(sent[200]) == len(sent[2]) <= 12
        assert len(sent[-200]) == len(sent[-2]) <= 6
        assert len(sent[200, "put"]) == len(sent[2, "put"]) <= 16


class TestChange:
    def test_what_was_read_can_be_put_back(self, clerk: FlaskClient) -> None:
        receipt = said(clerk.post(INVOICES, json=samples.PAYLOAD), 201)
        assert said(clerk.put(f"{INVOICES}/{receipt['id']}", json=receipt)) == receipt
        assert stored("grn.updated") == [{"receipt": receipt}]

    def test_a_corrected_length_is_no_inspection(self, clerk: FlaskClient) -> None:
        receipt = said(clerk.post(INVOICES, json=samples.PAYLOAD), 201)
        receipt["fabricItemList"][0]["supplierRollList"][0]["supplierLength"] = 105
        after = said(clerk.put(f"{INVOICES}/{receipt['id']}", json=receipt))
        roll = after["fabricItemList"][0]["supplierRollList"][0]
        assert (roll["length"], roll["effectiveLength"], "inspectedDate" in roll) == (105.0, 105.0, False)

    def test_items_and_rolls_that_stay_keep_their_ids(self, clerk: FlaskClient) -> None:
        sent = a_receipt(a_fabric_item(1, 2, externalId="a"), a_fabric_item(3, externalId="b"))
        before = said(clerk.post(INVOICES, json=sent), 201)
        first, second = sent["fabricItemList"]
        first["supplierRollList"] = [a_roll(9), first["supplierRollList"][1]]
        sent["fabricItemList"] = [a_fabric_item(7, externalId="c"), first]

        after = said(clerk.put(f"{INVOICES}/{before['id']}", json=sent))

        new, kept = after["fabricItemList"]
        assert kept["id"] == before["fabricItemList"][0]["id"]
        assert (kept["grnQty"], new["grnQty"]) == (11.0, 7.0)
        assert kept["supplierRollList"][1]["id"] == before["fabricItemList"][0]["supplierRollList"][1]["id"]
        known = {item["id"] for item in before["fabricItemList"]}
        assert new["id"] not in known
        assert after == said(clerk.get(f"{INVOICES}/{before['id']}"))
        assert second["externalId"] not in {item["externalId"] for item in after["fabricItemList"]}

    def test_the_created_date_stays(self, clerk: FlaskClient) -> None:
        before = said(clerk.get(f"{INVOICES}/1"))
        after = said(clerk.put(f"{INVOICES}/1", json={**before, "createdDate": 0, "erpInvoiceNo": "new"}))
        assert (after["createdDate"], after["erpInvoiceNo"]) == (before["createdDate"], "new")

    def test_an_item_with_a_ledger_is_not_lost(self, clerk: FlaskClient) -> None:
        said(clerk.put("/invoices/1/fabricItems/26/ledgers", json=samples.ASSOCIATION))
        before = counts()
        body = refused(clerk.put(f"{INVOICES}/1", json=a_receipt()), 409, 40900)
        assert body["fabricItemIds"] == [26]
        assert counts() == before

    def test_an_external_id_of_another_is_refused(self, clerk: FlaskClient) -> None:
        assert (
            refused(clerk.put(f"{INVOICES}/{_new(clerk)}", json=a_receipt(externalId="DEMO-1")), 409, 40901)["id"] == 1
        )

    def test_strange_ids_are_refused(self, clerk: FlaskClient) -> None:
        sent = a_receipt(a_fabric_item(id=26), a_fabric_item(id=26), a_fabric_item(id=999))
        assert faults(clerk.put(f"{INVOICES}/1", json=sent)) == {
            "fabricItemList[1].id": 26,
            "fabricItemList[2].id": 999,
        }
        sent = a_receipt(a_fabric_item(id=26, supplierRollList=[a_roll(id=999)]))
        assert faults(clerk.put(f"{INVOICES}/1", json=sent)) == {"fabricItemList[0].supplierRollList[0].id": 999}
        refused(clerk.put(f"{INVOICES}/99", json=a_receipt()), 404, 40400)


class TestLists:
    def test_newest_first_in_pages_from_zero(self, clerk: FlaskClient) -> None:
        ids = [_new(clerk) for _ in range(4)]
        page = said(clerk.get(f"{INVOICES}?page=1&pageSize=2"))
        assert [receipt["id"] for receipt in page["content"]] == [ids[1], ids[0]]
        assert (page["totalElements"], page["totalPages"], page["number"], page["size"]) == (5, 3, 1, 2)
        assert said(clerk.get(f"{INVOICES}?page=9"))["content"] == []
        assert "supplierRollList" not in page["content"][0]["fabricItemList"][0]

    def test_sorting(self, clerk: FlaskClient) -> None:
        for number in ("B", "A", "C"):
            said(clerk.post(INVOICES, json=a_receipt(invoiceNo=number, supplierId=1, externalId=None)), 201)
        page = said(clerk.get(f"{INVOICES}?sort=invoiceNo,asc&pageSize=3"))
        assert [receipt["invoiceNo"] for receipt in page["content"]] == ["A", "B", "C"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("externalId=X-1", True),
            ("externalId=X-2", False),
            ("supplierId=1&invoiceNo=I-1&erpInvoiceNo=ERP-1", True),
            ("supplierId=2", False),
            ("grn=grn-1", True),
            ("fabricId=1&color=Red&warehouse=north", True),
            ("fabricId=1&color=Red&warehouse=south", False),
            ("orderId=10", True),
            ("externalOrderId=77", True),
            ("externalOrderId=7", False),
            ("rollNo=roll-1", True),
            ("rollNo=fact-1", True),
            ("rollNo=roll", False),
            ("grnDateFrom=2024-01-02&grnDateTo=2024-01-02", True),
            ("grnDateFrom=2024-01-03", False),
            ("createdFrom=2020-01-01&createdTo=2099-01-01", True),
            ("createdTo=2020-01-01", False),
            ("createdTo=9999-12-31", True),
            ("search=x-", True),
            ("search=i-1", True),
            ("search=erp-", True),
            ("search=Grn-1", True),
            ("search=FACT-1", True),
            ("search=_-1", False),
            ("search=%25", False),
            ("search=%5C", False),
            ("search=%C5%9Ei%CC%87%F0%9F%A7%B5", False),
        ],
    )
    def test_filters(self, clerk: FlaskClient, query: str, found: bool) -> None:
        roll = a_roll(supplierRollNo="Roll-1", factoryRollNo="Fact-1")
        facts = {"color": "Red", "warehouse": "north", "orderId": 10, "externalOrderIds": "76,77"}
        item = a_fabric_item(grn="GRN-1", grnDate="2024-01-02", supplierRollList=[roll], **facts)
        sent = a_receipt(item, externalId="X-1", invoiceNo="I-1", erpInvoiceNo="ERP-1")
        receipt_id = said(clerk.post(INVOICES, json=sent), 201)["id"]
        content = said(clerk.get(f"{INVOICES}?{query}"))["content"]
        assert (receipt_id in [receipt["id"] for receipt in content]) is found

    @pytest.mark.parametrize(
        "query",
        ["page=-1", "pageSize=0", "pageSize=101", "sort=color", "sort=id,up", "colour=Red", "grnDateTo=2025-02-30"],
    )
    def test_bad_queries_are_refused_by_name(self, clerk: FlaskClient, query: str) -> None:
        assert list(faults(clerk.get(f"{INVOICES}?{query}"))) == [query.split("=", maxsplit=1)[0]]


def _new(clerk: FlaskClient) -> int:
    receipt_id: int = said(clerk.post(INVOICES, json=a_receipt()), 201)["id"]
    return receipt_id
