"""Packing lists and inspection over HTTP, from JSON and from files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.grn import samples
from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.reading import counts, faults, refused, said, statements, stored

ITEM = "/api/invoices/1/fabric-items/26"
ROLLS = f"{ITEM}/rolls"


@pytest.fixture
def rolls(clerk: FlaskClient) -> list[dict[str, Any]]:
    """The rolls of the demo's item 26."""
    content: list[dict[str, Any]] = said(clerk.get(ROLLS))["content"]
    return content


@pytest.fixture
def upload(clerk: FlaskClient) -> Callable[[bytes | str], TestResponse]:
    """Send a file as the packing list of item 26."""

    def send(content: bytes | str, name: str = "rolls.csv") -> TestResponse:
        raw = content.encode() if isinstance(content, str) else content
        return clerk.put(f"{ROLLS}/file", data={"file": (io.BytesIO(raw), name)}, content_type="multipart/form-data")

    return send


class TestReplace:
    def test_quantities_follow_the_new_list(self, clerk: FlaskClient) -> None:
        item = said(clerk.put(ROLLS, json={"supplierRollList": [a_roll(5), a_roll(6.5), a_roll(7)]}))
        assert (item["id"], item["grnQty"], item["rollCount"]) == (26, 18.5, 3)
        receipt = said(clerk.get("/api/invoices/1"))
        assert receipt["fabricItemList"] == [item]
        assert stored("grn.updated") == [{"receipt": receipt}]
        assert counts()["supplier_rolls"] == 3

    def test_an_empty_list_falls_back_to_what_was_sent(self, clerk: FlaskClient) -> None:
        item = said(clerk.put(ROLLS, json={"supplierRollList": []}))
        assert (item["grnQty"], item["rollCount"], item["supplierRollList"]) == (1000.0, 0, [])

    def test_a_roll_of_the_same_number_keeps_its_inspection(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        inspected = said(clerk.patch(f"{ROLLS}/{rolls[0]['id']}", json=samples.INSPECTION))
        again = [a_roll(101.5, supplierRollNo="R100"), a_roll(1)]
        first, second = said(clerk.put(ROLLS, json={"supplierRollList": again}))["supplierRollList"]
        kept = ("id", "length", "width", "blanketQty", "shade", "inspectedDate")
        assert {name: first[name] for name in kept} == {name: inspected[name] for name in kept}
        assert first["supplierLength"] == 101.5
        assert "inspectedDate" not in second

    def test_what_was_cut_off_stays_cut_off(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        said(clerk.patch(f"{ROLLS}/{rolls[1]['id']}", json={"blanketQty": 5}))
        again = {"supplierRollList": [a_roll(4, supplierRollNo="R100"), a_roll(4, supplierRollNo="R101")]}
        assert faults(clerk.put(ROLLS, json=again)) == {"supplierRollList[1].supplierLength": 4}

    def test_rolls_of_one_number_are_told_by_their_order(self, clerk: FlaskClient) -> None:
        twins = {"supplierRollList": [a_roll(1, supplierRollNo="X"), a_roll(2, supplierRollNo="X")]}
        first = said(clerk.put(ROLLS, json=twins))["supplierRollList"]
        assert said(clerk.put(ROLLS, json=twins))["supplierRollList"] == first

    def test_faults_are_named(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        sent = {"supplierRollList": [a_roll(), a_roll(-1)]}
        assert faults(clerk.put(ROLLS, json=sent)) == {"supplierRollList[1].supplierLength": -1}
        sent = {"supplierRollList": [a_roll(id=rolls[0]["id"]), a_roll(id=rolls[0]["id"])]}
        assert faults(clerk.put(ROLLS, json=sent)) == {"supplierRollList[1].id": rolls[0]["id"]}
        refused(clerk.put("/api/invoices/1/fabric-items/27/rolls", json={"supplierRollList": []}), 404, 40400)
        refused(clerk.put("/api/invoices/9/fabric-items/26/rolls", json={"supplierRollList": []}), 404, 40400)

    def test_a_receipt_holds_no_more_rolls_than_it_may(self, clerk: FlaskClient) -> None:
        roll = {"supplierRollNo": "R", "supplierLength": 1}
        sent = a_receipt(*(a_fabric_item(supplierRollList=[roll] * many) for many in (9_000, 1)))
        receipt = said(clerk.post("/api/invoices", json=sent), 201)
        path = f"/api/invoices/{receipt['id']}/fabric-items/{receipt['fabricItemList'][1]['id']}/rolls"
        assert faults(clerk.put(path, json={"supplierRollList": [roll] * 1_001})) == {"supplierRollList": 1001}

    def test_statements_do_not_grow_with_the_rolls(self, clerk: FlaskClient) -> None:
        sent = {}
        for many in (3, 3_000):
            with statements() as sent[many]:
                said(clerk.put(ROLLS, json={"supplierRollList": [a_roll(1) for _ in range(many)]}))
        assert len(sent[3_000]) == len(sent[3]) <= 14


class TestRead:
    def test_pages_keep_the_order_of_the_list(self, clerk: FlaskClient) -> None:
        said(clerk.put(ROLLS, json={"supplierRollList": [a_roll(n) for n in (3, 1, 2)]}))
        page = said(clerk.get(f"{ROLLS}?page=1&pageSize=2"))
        assert [roll["supplierLength"] for roll in page["content"]] == [2.0]
        assert (page["totalElements"], page["content"][0]["uomLength"]) == (3, "meter")
        refused(clerk.get("/api/invoices/1/fabric-items/27/rolls"), 404, 40400)


class TestInspect:
    def test_findings_take_the_place_of_what_the_supplier_says(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        roll = said(clerk.patch(f"{ROLLS}/{rolls[0]['id']}", json={**samples.INSPECTION, "weight": 9, "gsm": "180.5"}))
        assert {**rolls[0], "length": 99.5, "width": 144.0, "weight": 9.0, "gsm": 180.5}.items() - roll.items() == {
            ("blanketQty", 0.0),
            ("effectiveLength", 100.2),
        }
        assert (roll["effectiveLength"], roll["shade"]) == (99.0, "A")
        [event] = stored("grn.inspected")
        assert event == {"roll": {**roll, "invoiceId": 1, "fabricItemId": 26}}
        assert said(clerk.get("/api/invoices/1"))["fabricItemList"][0]["grnQty"] == 210.8

    def test_null_takes_a_finding_back(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        path = f"{ROLLS}/{rolls[0]['id']}"
        said(clerk.patch(path, json={"length": 90, "blanketQty": 1}))
        roll = said(clerk.patch(path, json={"length": None, "blanketQty": None}))
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
    def test_faults_are_named(self, clerk: FlaskClient, rolls: list[Any], findings: Any, field: str) -> None:
        answer = clerk.patch(f"{ROLLS}/{rolls[0]['id']}", json=findings)
        assert list(faults(answer)) == [field]
        assert "0000" not in said(answer, 400)["errors"][0]["message"]
        assert said(clerk.get(ROLLS))["content"] == rolls

    def test_a_roll_of_another_item_is_not_found(self, clerk: FlaskClient, rolls: list[Any]) -> None:
        path = f"/rolls/{rolls[0]['id']}"
        refused(clerk.patch(f"/api/invoices/1/fabric-items/27{path}", json={"length": 1}), 404, 40400)
        refused(clerk.patch(f"/api/invoices/9/fabric-items/26{path}", json={"length": 1}), 404, 40400)


def _sheet(*rows: tuple[Any, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(out)
    return out.getvalue()


class TestFiles:
    def test_a_formula_that_was_never_computed_loses_no_length(self, upload: Callable[..., TestResponse]) -> None:
        before = counts()
        sheet = _sheet(("supplierRollNo", "supplierLength"), ("R1", 100.2), ("R2", "=100+10"))
        assert "never computed" in refused(upload(sheet), 400, 40000)["message"]
        assert counts() == before

    @pytest.mark.parametrize(
        "content",
        [
            "supplierRollNo,factoryRollNo,supplierLength\nR1,F1,100.2\n\nR2,,110.6\n",
            "\ufeffSupplier Roll No;FACTORY_ROLL_NO;Supplier Length\r\nR1;F1;100,2\r\nR2;;110,6\r\n",
            samples.ROLL_FILE.replace("R100,INV-100/R100", "R1,F1").replace("R101,INV-100/R101", "R2,"),
            "Supplier Length\tSupplier Roll No\tfactoryRollNo\n100.2\tR1\tF1\n110.6\tR2\t",
            _sheet(
                ("Supplier Roll No", "Factory Roll No", "Supplier Length", None),
                ("R1", "F1", 100.2, None),
                (None, None, None, None),
                ("R2", None, 110.6, None),
            ),
            "\n \nsupplierRollNo;factoryRollNo;supplierLength; \nR1;F1;100,2\n ; \nR2; ;110,6\n\t\n",
        ],
        ids=["comma", "semicolon", "sample", "tab", "xlsx", "blank"],
    )
    def test_every_kind_says_the_same(self, upload: Callable[..., TestResponse], content: bytes | str) -> None:
        item = said(upload(content))
        assert (item["grnQty"], item["rollCount"]) == (210.8, 2)
        told = [(roll["supplierRollNo"], roll.get("factoryRollNo")) for roll in item["supplierRollList"]]
        assert told == [("R1", "F1"), ("R2", None)]

    def test_numbers_of_a_sheet_are_what_it_shows(self, upload: Callable[..., TestResponse]) -> None:
        rolls = ((100, 0.1 + 0.2), (101.0, 5), (1e20, 9.4999999999), ("a", 100 / 3), ("b", 0.000001))
        item = said(upload(_sheet(("supplierRollNo", "supplierLength"), *rolls)))
        told = [(roll["supplierRollNo"], roll["supplierLength"]) for roll in item["supplierRollList"]]
        assert told == [("100", 0.3), ("101", 5.0), ("1" + "0" * 20, 9.5), ("a", 33.333333), ("b", 0.000001)]

    def test_errors_carry_the_row_of_the_file(self, upload: Callable[..., TestResponse]) -> None:
        content = 'supplierRollNo,supplierLength\n"R\n1",5\n\nR2,long\n,7\n'
        assert faults(upload(content)) == {"row[5].supplierLength": "long", "row[6].supplierRollNo": None}
        sheet = _sheet(("supplierRollNo", "supplierLength"), ("R1", date(2024, 1, 2)))
        assert faults(upload(sheet)) == {"row[2].supplierLength": "2024-01-02 00:00:00"}

    @pytest.mark.parametrize("header", ["supplierRollNo,colour\nR1,red", "supplierRollNo,supplier roll no\nR1,R1"])
    def test_strange_columns_are_refused(self, upload: Callable[..., TestResponse], header: str) -> None:
        assert list(faults(upload(header))) == ["row[1]"]
        assert list(faults(upload(f"\n ,\n{header}"))) == ["row[3]"]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n\n",
            b" \n ; \n",
            b"supplierRollNo,supplierLength\n",
            "supplierRollNo\nŞ".encode("cp1254"),
            b'supplierRollNo\n"R1',
            b"PK\x03\x04 no spreadsheet",
            _sheet(("supplierRollNo",))[:-40],
        ],
        # Named, for the bytes of a sheet carry the time: workers would not collect the same tests.
        ids=["empty", "lines", "blanks", "header", "encoding", "quote", "zip", "torn"],
    )
    def test_what_cannot_be_read_is_refused(self, upload: Callable[..., TestResponse], content: bytes) -> None:
        before = counts()
        refused(upload(content), 400, 40000)
        assert counts() == before

    def test_a_bomb_is_not_unpacked(self, upload: Callable[..., TestResponse]) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("xl/workbook.xml", b"0" * (65 * 2**20))
        assert "64 MiB" in refused(upload(out.getvalue()), 400, 40000)["message"]

    def test_no_more_rolls_than_an_item_may_hold(self, upload: Callable[..., TestResponse]) -> None:
        content = "supplierRollNo\n" + "R\n" * 10_001
        assert faults(upload(content)) == {"row[10002]": None}

    def test_a_file_may_be_the_body(self, clerk: FlaskClient) -> None:
        sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        as_csv = clerk.put(f"{ROLLS}/file", data=samples.ROLL_FILE, content_type="text/csv; charset=utf-8")
        assert said(as_csv)["grnQty"] == 210.8
        as_sheet = clerk.put(f"{ROLLS}/file", data=_sheet(("supplierRollNo",), ("R7",)), content_type=sheet)
        assert said(as_sheet)["rollCount"] == 1
        refused(clerk.put(f"{ROLLS}/file", data="{}", content_type="application/json"), 415, 41500)

    def test_the_file_is_required(self, clerk: FlaskClient) -> None:
        answer = clerk.put(f"{ROLLS}/file", data={}, content_type="multipart/form-data")
        assert list(faults(answer)) == ["file"]
