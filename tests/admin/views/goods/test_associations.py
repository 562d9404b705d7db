"""Associations of fabric to styles: live balance, refusals beside their fields, confirmation below zero, history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.grn.ledgers import association_lines
from app.grn.ledgers import service as ledgers
from app.grn.models.receipts import GoodsReceipt
from app.grn.schemas.ledgers import AssociationSchema
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.client import newer_version, submit_form
from tests.admin.conftest import check_page, take_screenshot

SHELL = {"orderId": 10, "productId": 2, "style": "A6", "color": "Black", "partName": "Shell", "qty": 40, "extra": 5}


@pytest.fixture
def receipt(app: Any) -> GoodsReceipt:
    """A receipt of 150 metres."""
    return sample_data.receive_goods(100, 50)


def path_of(receipt: GoodsReceipt) -> str:
    return f"/admin/receipts/{receipt.id}/items/{receipt.fabric_items[0].id}/associations"


def associate(receipt: GoodsReceipt, *entries: dict[str, Any]) -> None:
    data = AssociationSchema(many=True).load(list(entries))
    with unit_of_work():
        ledgers.replace_associations(receipt.id, receipt.fabric_items[0].id, data, author="Asha", actor="user:1")


def stored(receipt: GoodsReceipt) -> list[tuple[str | None, float, Any]]:
    with unit_of_work():
        rows = association_lines.stored_rows(receipt.fabric_items[0].id)
        return [(row.style, float(row.qty), row.extra) for row in rows]


@pytest.mark.slow
def test_fabric_is_associated_to_styles(signed_in: Callable[..., Page], receipt: GoodsReceipt) -> None:
    page = signed_in("warehouse")
    page.goto(f"/admin/receipts/{receipt.id}/items/{receipt.fabric_items[0].id}")
    page.get_by_role("link", name="Associate to styles").click()
    page.get_by_label("Order").fill("po-10")
    page.get_by_role("button", name="Show the lines of the order").click()
    page.get_by_label("Quantity A6 Shell").fill("120.5")
    expect(page.locator("[data-after]")).to_have_text("29.5")
    page.get_by_label("Quantity A6 Lining").fill("40")
    expect(page.locator("[data-after-card]")).to_contain_text("-10.5")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".notice.warn")).to_contain_text("the balance would be -10.5 m, below zero")
    assert stored(receipt) == []
    page.get_by_label("Store it although the balance becomes negative").check()
    page.get_by_role("button", name="Save the associations").click()
    expect(page.get_by_role("status").first).to_contain_text("The associations are stored.")
    expect(page.locator("#history tbody tr")).to_contain_text("A6 Black: 120.5 · A6 Black: 40")
    expect(page.locator("#history tbody tr")).to_contain_text("150 → -10.5")
    assert [row[1] for row in stored(receipt)] == [120.5, 40]


class TestRequests:
    @pytest.fixture
    def warehouse(self, signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
        return signed_in_client("warehouse")

    def send(self, client: FlaskClient, receipt: GoodsReceipt, *lines: tuple[str, str, str], **fields: str) -> Any:
        """Submit lines of key, required fabric and quantity."""
        with unit_of_work():
            rows = association_lines.stored_rows(receipt.fabric_items[0].id)
        ids = {f"{row.flow_info_id}-{row.part_id or ''}": str(row.id) for row in rows}
        form = {
            "version": association_lines.version_of(rows),
            "line": [line for line, _, _ in lines],
            "row_id": [ids.get(line, "") for line, _, _ in lines],
            "fabricRequired": [required for _, required, _ in lines],
            "extra": ["5"] * len(lines),
            "qty": [qty for _, _, qty in lines],
        }
        return submit_form(client, path_of(receipt), page=path_of(receipt), **{**form, **fields})

    def test_what_the_table_does_not_show_stays(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        associate(receipt, {**SHELL, "metadata": {"cut": 1}, "orderQty": 7})
        assert self.send(warehouse, receipt, ("1985-121", "", "41"), ("1985-122", "", "")).status_code == 303
        assert stored(receipt) == [("A6", 41, {"cut": 1})]

    def test_a_line_without_quantity_is_removed(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        associate(receipt, SHELL)
        assert self.send(warehouse, receipt, ("1985-121", "", "")).status_code == 303
        assert stored(receipt) == []

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            (("1985-121", "", "many"), "A valid number is required."),
            (("1985-121", "x", "1"), "A valid number is required."),
            (("1-1", "", "1"), "This field is required."),
        ],
    )
    def test_errors_stand_beside_their_fields(
        self, warehouse: FlaskClient, receipt: GoodsReceipt, line: tuple[str, str, str], message: str
    ) -> None:
        answer = self.send(warehouse, receipt, ("1985-122", "", ""), line)
        assert answer.status_code == 422
        assert message in answer.text.partition("field-error")[2]
        assert stored(receipt) == []

    def test_what_somebody_else_changed_is_not_overwritten(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        answer = self.send(warehouse, receipt, ("1985-121", "", "33"), version="old")
        assert answer.status_code == 409
        assert "Not saved: the associations were changed" in answer.text
        assert 'value="33"' in answer.text
        chosen = {"version": "old", "replaces": newer_version(answer)}
        assert self.send(warehouse, receipt, ("1985-121", "", "33"), **chosen).status_code == 303
        assert [row[1] for row in stored(receipt)] == [33]

    def test_a_table_that_no_browser_sends_is_refused(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        for line in ("x", "9" * 30, "1985"):
            assert self.send(warehouse, receipt, (line, "", "1")).status_code in {303, 422}
        assert stored(receipt) == []

    def test_an_unknown_order_is_said(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        page = warehouse.get(f"{path_of(receipt)}?order=PO-99").text
        assert "Nothing has the name or code “PO-99”." in page

    def test_lines_are_found_by_their_style(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        assert "Quantity A6 Shell" in warehouse.get(f"{path_of(receipt)}?order=PO-10&style=a").text
        assert "Quantity A6 Shell" not in warehouse.get(f"{path_of(receipt)}?order=PO-10&style=B").text

    def test_a_long_order_is_cut(
        self, warehouse: FlaskClient, receipt: GoodsReceipt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(association_lines, "MAX_OFFERED", 1)
        assert "The order has further lines." in warehouse.get(f"{path_of(receipt)}?order=PO-10").text

    def test_who_only_reads_may_not_associate(
        self, signed_in_client: Callable[..., FlaskClient], receipt: GoodsReceipt
    ) -> None:
        assert signed_in_client("billing").get(path_of(receipt)).status_code == 403


@pytest.mark.drill
def test_page_is_accessible(signed_in: Callable[..., Page], receipt: GoodsReceipt) -> None:
    associate(receipt, {**SHELL, "qty": 400})

    def visit(page: Page) -> None:
        page.goto(f"{path_of(receipt)}?order=PO-10")

    check_page(signed_in, "associations", visit)
    turkish = signed_in(language="tr")
    turkish.set_viewport_size({"width": 1024, "height": 900})
    visit(turkish)
    take_screenshot(turkish, "associations-turkish-1024")
