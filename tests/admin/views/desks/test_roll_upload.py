"""Upload of a packing list: preview, row errors, replacement, and files that are refused."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.grn.models.receipts import GoodsReceipt
from app.grn.receipts import packing_list
from app.grn.receipts import service as receipts
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.client import csrf_token
from tests.admin.conftest import check_page, take_screenshot

CASES = Path(__file__).parents[3] / "cases"
HEADINGS = "Supplier Roll No;Supplier Length;Supplier Weight;Shade\n"
GOOD = HEADINGS + "A1;100,5;20;B\nA2;99;19,5;\n"
BAD = HEADINGS + "A1;long;20;B\nA1;99;19,5;\n"


def item_path(receipt: GoodsReceipt) -> str:
    return f"/admin/receipts/{receipt.id}/items/{receipt.fabric_items[0].id}"


def numbers(receipt: GoodsReceipt) -> list[str]:
    """Numbers of the rolls that are stored now."""
    return [roll.supplier_roll_no for roll in receipts.find(receipt.id).fabric_items[0].rolls]


def a_file(content: str) -> Any:
    return {"name": "rolls.csv", "mimeType": "text/csv", "buffer": content.encode()}


@pytest.mark.slow
def test_a_packing_list_is_previewed_and_stored(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(50)
    before = numbers(receipt)
    page = signed_in("warehouse")
    page.goto(item_path(receipt))
    page.get_by_role("link", name="Upload a packing list").click()
    page.get_by_label("File", exact=True).set_input_files(a_file(BAD))
    expect(page.locator("#errors tbody tr")).to_have_count(2)
    expect(page.get_by_role("button", name="Store the packing list")).to_have_count(0)
    page.get_by_label("File", exact=True).set_input_files(a_file(GOOD))
    expect(page.locator("#rolls tbody tr")).to_have_count(2)
    expect(page.locator(".figures")).to_contain_text("199.5")
    assert numbers(receipt) == before
    page.get_by_role("button", name="Store the packing list").click()
    expect(page.locator("#messages")).to_contain_text("The packing list is stored: 2 rolls.")
    assert numbers(receipt) == ["A1", "A2"]


class TestRequests:
    @pytest.fixture
    def receipt(self) -> GoodsReceipt:
        return sample_data.receive_goods(50)

    @pytest.fixture
    def warehouse(self, signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
        return signed_in_client("warehouse")

    def send(
        self, client: FlaskClient, receipt: GoodsReceipt, content: bytes | None, *, end: str = "", **fields: str
    ) -> Any:
        data: dict[str, Any] = {"csrf_token": csrf_token(client, "/admin/account"), **fields}
        if content is not None:
            data["file"] = (io.BytesIO(content), "rolls.csv")
        return client.post(f"{item_path(receipt)}/packing-list{end}", data=data, content_type="multipart/form-data")

    def test_only_the_file_of_the_preview_is_stored(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        content, before = GOOD.encode(), numbers(receipt)
        digest = hashlib.sha256(content).hexdigest()
        assert digest in self.send(warehouse, receipt, content, end="/preview").text
        for fields in ({}, {"digest": "x"}):
            assert "not the one of the preview" in self.send(warehouse, receipt, content, **fields).text
            assert numbers(receipt) == before
        for _ in range(2):  # a double submission stores nothing twice
            assert self.send(warehouse, receipt, content, digest=digest).status_code == 303
        assert numbers(receipt) == ["A1", "A2"]

    def test_wrong_rows_can_be_downloaded(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        answer = self.send(warehouse, receipt, BAD.encode(), end="/refused")
        rows = list(openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0].iter_rows(values_only=True))
        assert [row[:2] for row in rows] == [("Supplier Roll No", "Supplier Length"), ("A1", "long"), ("A1", "99")]
        assert "Row 2 has the same roll number." in str(rows[2][-1])
        assert self.send(warehouse, receipt, GOOD.encode(), end="/refused").status_code == 303

    def test_chosen_columns_are_remembered(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        content = GOOD.replace("Supplier Roll No", "Top").encode()
        fields = {"use_columns": "1", "heading": "Top", "column": "supplierRollNo"}
        assert "Unknown headings: Top." in self.send(warehouse, receipt, content, end="/preview").text
        for sent in (fields, {}):
            assert 'id="rolls"' in self.send(warehouse, receipt, content, end="/preview", **sent).text

    def test_loss_of_findings_is_announced(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        roll = receipt.fabric_items[0].rolls[0]
        with unit_of_work():
            packing_list.inspect(
                receipt.id, receipt.fabric_items[0].id, roll.id, {"inspected_length": 49}, actor="a test"
            )
        answer = self.send(warehouse, receipt, GOOD.encode(), end="/preview")
        assert "1 of the removed rolls is inspected." in answer.text

    def test_refusal_of_the_service_is_shown(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        roll = receipt.fabric_items[0].rolls[0]
        with unit_of_work():
            packing_list.inspect(receipt.id, receipt.fabric_items[0].id, roll.id, {"blanket_qty": 40}, actor="a test")
        content = f"supplierRollNo,supplierLength\n{roll.supplier_roll_no},30\n".encode()
        answer = self.send(warehouse, receipt, content, digest=hashlib.sha256(content).hexdigest())
        assert "More than that was cut off this roll as blanket." in answer.text
        assert numbers(receipt) == [roll.supplier_roll_no]

    @pytest.mark.parametrize("case", sorted(path.name for path in CASES.glob("rolls-*.[cx]*")))
    def test_files_of_people_are_answered(self, warehouse: FlaskClient, receipt: GoodsReceipt, case: str) -> None:
        answer = self.send(warehouse, receipt, (CASES / case).read_bytes(), end="/preview")
        assert answer.status_code == 200
        assert any(part in answer.text for part in ('class="notice error"', 'id="errors"', 'id="rolls"'))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "Choose a file first."),
            (b"", "Choose a file first."),
            (b"a,b\n1,2\n", "supplierRollNo"),
            (b"supplierRollNo,colour\nA1,red\n", "Unknown headings: colour."),
            (b"supplierRollNo\n", "names columns but no rolls"),
            (b"supplierRollNo,supplierLength\nA1,5\nTotal,5\n", "Is this the total row?"),
        ],
    )
    def test_a_wrong_file_is_refused(
        self, warehouse: FlaskClient, receipt: GoodsReceipt, content: bytes | None, message: str
    ) -> None:
        answer = self.send(warehouse, receipt, content, end="/preview")
        assert answer.status_code == 200
        assert message in answer.text

    def test_rows_that_look_like_totals_can_be_kept(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        content = b"supplierRollNo,supplierLength\nA1,5\nTotal,5\n"
        assert 'id="rolls"' in self.send(warehouse, receipt, content, end="/preview", keep_totals="1").text

    def test_unknown_item_is_not_found(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        path = f"/admin/receipts/{receipt.id}/items/999/packing-list"
        assert warehouse.get(path).status_code == 404

    def test_role_that_only_reads_may_not_upload(
        self, signed_in_client: Callable[..., FlaskClient], receipt: GoodsReceipt
    ) -> None:
        billing = signed_in_client("billing")
        assert billing.get(f"{item_path(receipt)}/packing-list").status_code == 403
        assert "Upload a packing list" not in billing.get(item_path(receipt)).text


@pytest.mark.drill
def test_page_is_accessible(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(50)

    def upload(page: Page, content: str = GOOD) -> None:
        page.goto(f"{item_path(receipt)}/packing-list")
        page.locator("#file").set_input_files(a_file(content))
        page.wait_for_selector("#rolls, #errors")

    check_page(signed_in, "packing-list-upload", upload)
    for width in (1440, 390):
        page = signed_in(language="tr", dark=width == 390)
        page.set_viewport_size({"width": width, "height": 900})
        upload(page, BAD)
        take_screenshot(page, f"packing-list-upload-turkish-{width}")
