"""The list of the rolls of all goods receipts, and the page of a roll for those who may not inspect it."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.grn.receipts import packing_list
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.client import submit_form
from tests.admin.conftest import check_page
from tests.admin.lists.test_list_view import cells
from tests.factories import a_fabric_item

SignedInClient = Callable[..., FlaskClient]
ROLLS = [
    {"supplierRollNo": "S-1", "factoryRollNo": "F-1", "supplierLength": 100.5, "supplierWidth": 145},
    {"supplierRollNo": "S-2", "supplierLength": 80},
]


def test_a_roll_is_found_by_fabric_and_state_and_opened(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(fabricItemList=[a_fabric_item(supplierRollList=ROLLS, warehouse="North")])
    item = receipt.fabric_items[0]
    with unit_of_work():
        packing_list.inspect(receipt.id, item.id, item.rolls[0].id, {"inspected_length": 99}, actor="a test")
    page = signed_in("warehouse")
    page.get_by_role("link", name="Rolls", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(4)  # two are of the demo
    filters = page.locator(".filters")
    filters.get_by_label("Fabric").fill("cotton")
    filters.get_by_label("Warehouse").fill("north")
    filters.get_by_label("Status").select_option("To inspect")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("S-2")
    page.locator("tbody tr td").nth(4).click(force=True)  # the link of the row covers it
    expect(page.get_by_role("heading", level=1)).to_have_text("Inspect roll S-2")
    page.get_by_role("link", name=receipt.invoice_no).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(receipt.invoice_no)


def test_the_list_is_sorted_and_exported(signed_in_client: SignedInClient) -> None:
    sample_data.receive_goods(fabricItemList=[a_fabric_item(supplierRollList=ROLLS)])
    client = signed_in_client("warehouse")
    assert cells(client.get("/admin/rolls?search=s-&sort=-number").text, "Roll") == ["S-2", "S-1"]
    assert cells(client.get("/admin/rolls?search=f-1").text, "Length") == ["100.5 m"]
    lines = client.get("/admin/rolls?search=s-&sort=number&format=csv").text.splitlines()
    assert lines[0].startswith("\ufeffRoll,Factory number,Fabric,Colour,Status,Length")
    assert lines[1].startswith("S-1,F-1,Cotton twill,Blue,waiting,100.500000,145.000000")
    assert len(lines) == 3


def test_who_may_not_inspect_sees_the_roll(signed_in_client: SignedInClient) -> None:
    receipt = sample_data.receive_goods(fabricItemList=[a_fabric_item(supplierRollList=ROLLS)])
    item = receipt.fabric_items[0]
    billing, path = (
        signed_in_client("billing"),
        f"/admin/receipts/{receipt.id}/items/{item.id}/rolls/{item.rolls[0].id}",
    )
    assert f'href="{path}"' in billing.get("/admin/rolls").text
    assert f'href="{path}"' in billing.get(f"/admin/receipts/{receipt.id}/items/{item.id}").text
    assert billing.get("/admin/search?q=S-1").location == path
    shown = billing.get(path).text
    assert "<h1>Roll S-1</h1>" in shown
    assert "100.5 m" in shown
    assert 'name="length"' not in shown
    assert submit_form(billing, path, length="9").status_code == 403


def test_rolls_are_accessible(signed_in: Callable[..., Page]) -> None:
    receipt = sample_data.receive_goods(fabricItemList=[a_fabric_item(supplierRollList=ROLLS, warehouse="North")])
    item = receipt.fabric_items[0]
    check_page(signed_in, "rolls", lambda page: page.goto("/admin/rolls"))
    path = f"/admin/receipts/{receipt.id}/items/{item.id}/rolls/{item.rolls[0].id}"
    check_page(signed_in, "roll", lambda page: page.goto(path))
    check_page(lambda **style: signed_in("billing", **style), "roll-read", lambda page: page.goto(path))
