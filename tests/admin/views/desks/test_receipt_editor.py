"""Goods receipts by hand: create, edit, refusals that keep what was typed, names of master data."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from app.extensions import db
from app.grn import masters
from app.grn.models.receipts import GoodsReceipt
from app.grn.receipts import packing_list
from app.grn.receipts import service as receipts
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.client import newer_version, submit_form
from tests.admin.conftest import check_page, take_screenshot

NEW = "/admin/receipts/new"


def count() -> int:
    """Number of stored receipts."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(GoodsReceipt)) or 0


def names() -> tuple[str, str]:
    """Names of the supplier and the fabric of the demo."""
    return masters.find(masters.SUPPLIERS, 1).name, masters.find(masters.FABRICS, 1).name


@pytest.mark.main_job
def test_receipt_is_booked_in_and_edited(signed_in: Callable[..., Page]) -> None:
    sample_data.receive_goods(1)
    supplier, fabric = names()
    page = signed_in("warehouse", language="tr")
    page.goto("/admin/receipts")
    page.locator(f"a[href='{NEW}']").click()
    page.locator("[name=supplier]").fill(supplier.upper())
    page.locator("[name=invoiceNo]").fill("HAND-1")
    page.locator("[name=add]").click()
    expect(page.locator("[name=fabric]")).to_have_count(2)
    expect(page.locator("[name=invoiceNo]")).to_have_value("HAND-1")
    page.locator("[name=remove]").nth(1).click()
    texts = {"fabric": fabric, "color": "Red", "grn": "G1", "orderQty": "1.000,5", "invoiceQty": "900"}
    for name, text in texts.items():
        page.locator(f"[name={name}]").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator("[name=orderingWidth]")).to_have_attribute("aria-invalid", "true")
    page.locator("[name=orderingWidth]").fill("145")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/receipts/\d+$"))
    page.locator("a[href$='/edit']").click()
    expect(page.locator("[name=orderQty]")).to_have_value("1000,5")
    page.locator("[name=warehouse]").fill("W2")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/receipts/\d+$"))
    receipt = receipts.find(int(page.url.rsplit("/", 1)[1]))
    item = receipt.fabric_items[0]
    assert (receipt.invoice_no, item.warehouse, item.order_qty) == ("HAND-1", "W2", Decimal("1000.5"))


class TestForm:
    @pytest.fixture
    def receipt(self) -> GoodsReceipt:
        return sample_data.receive_goods(100, 110)

    @pytest.fixture
    def warehouse(self, signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
        return signed_in_client("warehouse")

    def fields(self, **changes: Any) -> dict[str, Any]:
        supplier, fabric = names()
        header = {"supplier": supplier, "invoiceNo": "H1", "invoiceDate": "2026-11-20", "erpInvoiceNo": ""}
        item = {"item_id": "", "fabric": fabric, "order": "", "color": "Red", "colorShade": "", "grn": "G1"}
        more = {"grnDate": "", "warehouse": "", "fpo": "", "uomLength": "kilogram", "uomWidth": ""}
        numbers = {"orderQty": "5", "invoiceQty": "5", "grnQty": "", "orderingWidth": "1", "orderingGsm": ""}
        return {**header, "externalId": "HAND-1", **item, **more, **numbers, **changes}

    def test_second_submit_stores_nothing(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        before = count()
        assert submit_form(warehouse, NEW, **self.fields()).status_code == 303
        answer = submit_form(warehouse, NEW, **self.fields())
        assert answer.status_code == 422
        assert "Another receipt already carries this externalId." in answer.text
        assert count() == before + 1

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"supplier": "Nobody"}, "Nothing has the name or code “Nobody”."),
            ({"fabric": ""}, "This field may not be blank."),
            ({"order": "X"}, "Nothing has the name or code “X”."),
            ({"invoiceNo": ""}, "This field may not be blank."),
            ({"orderQty": ""}, "A valid number is required."),
            ({"orderQty": "5,5,5"}, "A valid number is required."),
            ({"grnDate": "20.11.2026"}, "Date has wrong format."),
            ({"uomLength": "mile"}, "aria-invalid"),
        ],
    )
    def test_wrong_field_is_refused_and_kept(
        self, warehouse: FlaskClient, receipt: GoodsReceipt, changes: dict[str, str], message: str
    ) -> None:
        before = count()
        answer = submit_form(warehouse, NEW, **self.fields(**changes))
        assert answer.status_code == 422
        assert message in answer.text
        assert 'value="HAND-1"' in answer.text
        assert count() == before

    def test_ambiguous_name_is_refused(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        with unit_of_work():
            masters.create(masters.SUPPLIERS, {"name": names()[0]}, actor="a test")
        assert "Type the code." in submit_form(warehouse, NEW, **self.fields()).text

    def test_edit_keeps_rolls_and_findings(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        item, path = receipt.fabric_items[0], f"/admin/receipts/{receipt.id}/edit"
        with unit_of_work():
            packing_list.inspect(receipt.id, item.id, item.rolls[0].id, {"inspected_length": 99}, actor="a test")
        fields = self.fields(item_id=str(item.id), uomLength="meter", version=clock.iso(receipt.updated_at))
        assert submit_form(warehouse, path, **fields).status_code == 303
        changed = receipts.find(receipt.id)
        assert [roll.inspected_length for roll in changed.fabric_items[0].rolls] == [99, None]
        assert (changed.invoice_no, changed.fabric_items[0].id) == ("H1", item.id)
        answer = submit_form(warehouse, path, **fields)  # the version is old now
        assert answer.status_code == 409
        assert "the receipt was changed" in answer.text
        fields |= {"replaces": newer_version(answer), "color": "Navy"}
        assert submit_form(warehouse, path, **fields).status_code == 303
        assert receipts.find(receipt.id).fabric_items[0].color == "Navy"

    def test_the_address_names_the_fabric_items(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        """On Back, the browser asks for the page again, and fills in what was typed."""
        path, item_id = f"/admin/receipts/{receipt.id}/edit", receipt.fabric_items[0].id
        answer = submit_form(warehouse, path, **self.fields(item_id=str(item_id), add="1"))
        assert f'data-replace-url="{path}?item={item_id}&amp;item="' in answer.text
        page = warehouse.get(f"{path}?item={item_id}&item=&item={item_id}&item=x").text
        assert re.findall(r'name="item_id" value="(.*?)"', page) == [str(item_id), "", "", ""]

    def test_loss_of_rolls_is_announced(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        item_id, path = str(receipt.fabric_items[0].id), f"/admin/receipts/{receipt.id}/edit"
        page = submit_form(warehouse, path, **self.fields(item_id=item_id, remove="0")).text
        assert "Saving deletes the 2 rolls of the removed fabric items." in page
        assert "Saving deletes" not in submit_form(warehouse, path, **self.fields(item_id=item_id, add="1")).text
        assert receipts.find(receipt.id).fabric_items[0].roll_count == len(receipt.fabric_items[0].rolls)

    def test_incomplete_form_is_refused(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        assert submit_form(warehouse, NEW, **self.fields(color=["a", "b"])).status_code == 303
        assert "incomplete" in warehouse.get("/admin/account").text

    def test_unknown_receipt_is_not_found(self, warehouse: FlaskClient) -> None:
        assert warehouse.get("/admin/receipts/999/edit").status_code == 404
        assert submit_form(warehouse, "/admin/receipts/999/edit").status_code == 404

    def test_role_that_only_reads_has_no_form(
        self, signed_in_client: Callable[..., FlaskClient], receipt: GoodsReceipt
    ) -> None:
        billing = signed_in_client("billing")
        assert billing.get(NEW).status_code == 403
        assert NEW not in billing.get("/admin/receipts").text


@pytest.mark.drill
def test_page_is_accessible(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(50)
    check_page(signed_in, "receipt-editor", lambda page: page.goto(f"/admin/receipts/{receipt.id}/edit"))
    for width in (1440, 390):
        page = signed_in(language="tr", dark=width == 390)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(NEW)
        page.keyboard.press("Enter")
        page.locator("[name=supplier]").press("Enter")
        page.wait_for_selector("[aria-invalid]")
        take_screenshot(page, f"receipt-editor-turkish-{width}")
