"""Inspection desk: rolls inspected by keyboard, measures far off, refusals, units, and browsers without script."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.grn.models.receipts import GoodsReceipt, SupplierRoll
from app.grn.receipts import packing_list
from app.grn.receipts import service as receipts
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.client import submit_form
from tests.admin.conftest import check_page, take_screenshot
from tests.factories import a_fabric_item, a_receipt

ROLLS = 60


def path_of(receipt: GoodsReceipt) -> str:
    return f"/admin/receipts/{receipt.id}/items/{receipt.fabric_items[0].id}/inspection"


def rolls_of(receipt: GoodsReceipt) -> list[SupplierRoll]:
    """The rolls as they are stored now."""
    return receipts.find(receipt.id).fabric_items[0].rolls


def store_as_colleague(receipt: GoodsReceipt) -> None:
    """Store a length of the first roll, as another person does meanwhile."""
    roll = rolls_of(receipt)[0]
    with unit_of_work():
        packing_list.inspect(receipt.id, roll.fabric_item_id, roll.id, {"inspected_length": 98}, actor="colleague")


@pytest.mark.slow
def test_sixty_rolls_are_inspected_with_one_key_each(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(*[100] * ROLLS)
    page = signed_in("warehouse")
    page.goto(path_of(receipt).removesuffix("/inspection"))
    page.get_by_role("link", name="Inspect rolls").click()
    presses = 0
    expect(page.locator("tbody input").first).to_be_focused()
    for number in range(ROLLS):
        page.keyboard.type(f"{95 + number % 10}.5")
        page.keyboard.press("Enter")
        presses += 1
    assert presses <= 65
    expect(page.locator("#progress")).to_contain_text("60 of 60 rolls inspected")
    assert [roll.inspected_length for roll in rolls_of(receipt)] == [95.5 + n % 10 for n in range(ROLLS)]
    expect(page.get_by_role("link", name="Back to the fabric item")).to_be_focused()


def test_enter_begins_in_the_same_column_of_the_next_roll(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(100, 110)
    page = signed_in("warehouse")
    page.goto(path_of(receipt))
    for length, width in (("99", "145"), ("111", "146")):
        page.keyboard.type(length)
        page.keyboard.press("Tab")
        page.keyboard.type(width)
        page.keyboard.press("Enter")
    expect(page.locator("#progress")).to_contain_text("2 of 2")
    assert [(r.inspected_length, r.inspected_width) for r in rolls_of(receipt)] == [(99, 145), (111, 146)]


def test_a_value_that_a_colleague_stored_meanwhile_is_not_replaced_without_a_question(
    signed_in: Callable[..., Page],
) -> None:
    receipt = sample_data.receive_goods(100)
    page = signed_in("warehouse")
    page.goto(path_of(receipt))
    store_as_colleague(receipt)
    page.keyboard.type("97")
    page.keyboard.press("Enter")
    expect(page.locator(".field-error:visible")).to_have_text(
        "Another person stored 98 meanwhile. Save again to replace it."
    )
    assert rolls_of(receipt)[0].inspected_length == 98
    page.locator("tbody input[name=length]").press("Enter")
    expect(page.locator(".field-error:visible")).to_have_count(0)
    assert rolls_of(receipt)[0].inspected_length == 97


def test_a_field_that_was_not_touched_keeps_what_a_colleague_stored(
    signed_in_client: Callable[..., FlaskClient],
) -> None:
    receipt = sample_data.receive_goods(100)
    client, path = signed_in_client("warehouse"), path_of(receipt)
    [roll] = rolls_of(receipt)
    shown = urlencode({"length": "", "width": ""})
    with unit_of_work():
        packing_list.inspect(
            receipt.id, receipt.fabric_items[0].id, roll.id, {"inspected_length": 98}, actor="colleague"
        )
    submit_form(client, f"{path}/{roll.id}", length="", width="145", shown=shown)
    [stored] = rolls_of(receipt)
    assert (stored.inspected_length, stored.inspected_width) == (98, 145)


def test_two_quick_saves_of_a_roll_do_not_meet_each_other(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(100)
    page = signed_in("warehouse")
    page.goto(path_of(receipt))
    page.route("**/inspection/*", lambda route: (time.sleep(0.5), route.continue_())[1])
    for length in ("98", "97"):
        page.locator("tbody input[name=length]").fill(length)
        page.keyboard.press("Enter")
    expect(page.locator("tbody input[name=length]")).to_have_attribute("data-stored", "97")
    assert rolls_of(receipt)[0].inspected_length == 97


def test_value_far_off_asks_again(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(100, 100, 100)
    page = signed_in("warehouse", language="tr")
    page.goto(path_of(receipt))
    first, question = page.locator("tbody input[name=length]").first, page.locator("[data-question]").first
    page.keyboard.type("110")
    page.keyboard.press("Enter")
    expect(page.locator("#progress")).to_contain_text("1")
    page.keyboard.type("110,01")
    page.keyboard.press("Enter")
    second = page.locator("tbody input[name=length]").nth(1)
    expect(second).to_be_focused()
    expect(page.locator("[data-question]:visible")).to_have_count(1)
    page.keyboard.type("111,5")
    page.keyboard.press("Enter")  # another value: asked again
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("tbody input[name=length]").nth(2)).to_be_focused()
    expect(page.locator("[data-question]:visible")).to_have_count(0)
    expect(page.locator("tr[data-inspected]")).to_have_count(2)
    assert [float(roll.inspected_length or 0) for roll in rolls_of(receipt)] == [110, 111.5, 0]
    expect(first).to_have_value("110")
    expect(question).to_be_hidden()


def test_refused_row_says_so_and_moves_nothing(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(100, 100)
    page = signed_in("warehouse")
    page.goto(path_of(receipt))
    page.keyboard.type("99,5.5")
    page.keyboard.press("Enter")
    second = page.locator("tbody input[name=length]").nth(1)
    first = page.locator("tbody input[name=length]").first
    expect(first).to_have_accessible_description("Supplier: 100 A valid number is required.")
    expect(first).to_have_value("99,5.5")
    expect(second).to_be_focused()
    expect(page.locator("[data-status]")).to_contain_text("Not saved")
    page.on("dialog", lambda dialog: dialog.accept())
    assert rolls_of(receipt)[0].inspected_at is None


def test_long_packing_list_goes_on_with_the_next_page(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(*[100] * 101)
    page = signed_in("warehouse")
    page.goto(path_of(receipt))
    page.locator("tbody input[name=length]").nth(99).fill("99")
    page.keyboard.press("Enter")
    page.wait_for_url("**page=1")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert rolls_of(receipt)[99].inspected_length == 99


def test_fabric_in_kilogram_begins_with_the_weight(signed_in: Callable[..., Page]) -> None:
    receipt = weighed()
    page = signed_in("warehouse")
    page.goto(path_of(receipt))
    page.keyboard.type("24.5")
    page.keyboard.press("Enter")
    expect(page.locator("#progress")).to_contain_text("1 of 1")
    expect(page.locator("thead")).to_contain_text("Weight (kg)")
    assert rolls_of(receipt)[0].inspected_weight == 24.5


def weighed() -> GoodsReceipt:
    """A receipt of a fabric in kilogram with one roll."""
    sample_data.receive_goods(1)
    roll = {"supplierRollNo": "W1", "supplierWeight": 25}
    item = a_fabric_item(uomLength="kilogram", supplierRollList=[roll])
    return sample_data.receive_goods(**a_receipt(item))


class TestForm:
    """What a browser without script sends."""

    @pytest.fixture
    def receipt(self) -> GoodsReceipt:
        return sample_data.receive_goods(100, 100)

    @pytest.fixture
    def warehouse(self, signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
        return signed_in_client("warehouse")

    def save(self, client: FlaskClient, receipt: GoodsReceipt, **fields: Any) -> Any:
        return submit_form(client, f"{path_of(receipt)}/{receipt.fabric_items[0].rolls[0].id}", **fields)

    def test_row_is_stored(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        empty = {"width": "", "weight": "", "gsm": "", "blanketQty": "", "shade": "B"}
        for _ in range(2):  # a second submission changes nothing
            assert self.save(warehouse, receipt, length="99.5", **empty).status_code == 303
        roll = rolls_of(receipt)[0]
        assert (roll.inspected_length, roll.inspected_width, roll.shade) == (99.5, None, "B")

    def test_value_far_off_must_be_confirmed(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        for fields in ({}, {"confirmed": "length=80"}):
            answer = self.save(warehouse, receipt, length="50", **fields)
            assert answer.status_code == 422
            assert 'value="length=50"' in answer.text
            assert rolls_of(receipt)[0].inspected_at is None
        assert self.save(warehouse, receipt, length="50", confirmed="length=50").status_code == 303
        assert rolls_of(receipt)[0].inspected_length == 50
        # What is stored is not asked about again.
        assert self.save(warehouse, receipt, length="50", shade="B").status_code == 303

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"blanketQty": "200"}, "More than the roll"),
            ({"length": "long"}, "A valid number is required."),
            ({"weight": "-1"}, "A valid number is required."),
            ({"shade": "x" * 101}, "no more than 100 characters"),
            ({"gsm": "1" * 20}, "A valid number is required."),
        ],
    )
    def test_wrong_value_is_refused(
        self, warehouse: FlaskClient, receipt: GoodsReceipt, fields: dict[str, str], message: str
    ) -> None:
        answer = self.save(warehouse, receipt, **fields)
        assert answer.status_code == 422
        assert message in answer.text
        assert rolls_of(receipt)[0].inspected_at is None

    def test_unknown_roll_is_not_found(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        other = sample_data.receive_goods(100)
        assert submit_form(warehouse, f"{path_of(other)}/{rolls_of(receipt)[0].id}", length="1").status_code == 404
        assert warehouse.get(path_of(receipt).replace("items/", "items/9")).status_code == 404

    def test_role_that_only_reads_has_no_desk(
        self, signed_in_client: Callable[..., FlaskClient], receipt: GoodsReceipt
    ) -> None:
        billing = signed_in_client("billing")
        assert billing.get(path_of(receipt)).status_code == 403
        assert self.save(billing, receipt, length="1").status_code == 403


def test_supplier_without_measures_is_never_far_off() -> None:
    roll = SupplierRoll(supplier_length=None, supplier_width=0)
    assert packing_list.measures_far_off(roll, {"inspected_length": 5, "inspected_width": 0}) == []
    assert packing_list.measures_far_off(roll, {"inspected_width": 1}) == ["inspected_width"]


@pytest.mark.drill
def test_page_is_accessible(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(*[100 + number / 4 for number in range(20)])

    def inspect(page: Page) -> None:
        page.goto(path_of(receipt))
        for value in ("101", "x", "50"):
            page.keyboard.type(value)
            page.keyboard.press("Enter")
        page.wait_for_selector("[aria-invalid]")
        page.wait_for_selector("[data-question]:visible")

    check_page(signed_in, "inspection-desk", inspect)
    for width in (1440, 1024, 390):
        page = signed_in(language="tr", dark=width == 1440)
        page.set_viewport_size({"width": width, "height": 900})
        inspect(page)
        take_screenshot(page, f"inspection-desk-turkish-{width}")
