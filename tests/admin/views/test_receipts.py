"""Pages of goods receipts: list, detail pages, inspection, documents, deletion."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from app.grn.ledgers import service as ledgers
from app.grn.models.receipts import GoodsReceipt
from app.grn.papers import print_job
from app.grn.receipts import packing_list
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.client import submit_form
from tests.admin.conftest import check_page


@pytest.mark.slow
def test_roll_is_found_inspected_and_shown(signed_in: Callable[..., Page], app: Hub) -> None:
    receipt = sample_data.receive_goods(100.2, 110.6)
    page = signed_in("warehouse")
    page.get_by_role("link", name="Goods receipts").first.click()
    expect(page.locator("tbody tr")).to_have_count(2)  # the receipt of the demo and this one
    page.get_by_label("Search").type(receipt.invoice_no)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name=receipt.invoice_no).click()
    page.locator("tbody tr a").click()
    roll = receipt.fabric_items[0].rolls[0]
    page.get_by_role("link", name=f"Inspect roll {roll.supplier_roll_no}").click()
    expect(page.get_by_label("Length")).to_have_accessible_description("Supplier: 100.2")
    page.get_by_label("Length").fill("99.5")
    page.get_by_label("Cut for the blanket").fill("1.5")
    page.get_by_label("Shade").fill("B")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("is inspected")
    cells = page.locator("#rolls tbody tr").first.locator("td")
    expect(cells.nth(2)).to_have_text("99.5 m")
    expect(cells.nth(5)).to_have_text("98 m")
    expect(cells.nth(6)).to_have_text("B")


def test_finding_can_be_removed(signed_in: Callable[..., Page], app: Hub) -> None:
    receipt = sample_data.receive_goods(100.2)
    item, roll = receipt.fabric_items[0], receipt.fabric_items[0].rolls[0]
    with unit_of_work():
        packing_list.inspect(receipt.id, item.id, roll.id, {"inspected_length": 90, "shade": "B"}, actor="a test")
    page = signed_in("warehouse")
    page.goto(f"/admin/receipts/{receipt.id}/items/{item.id}/rolls/{roll.id}")
    expect(page.get_by_label("Length")).to_have_value("90")
    page.get_by_label("Length").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#rolls tbody td").nth(2)).to_have_text("100.2 m")
    expect(page.locator("#rolls tbody td").nth(6)).to_have_text("B")


def test_impossible_finding_is_refused(signed_in_client: Callable[..., FlaskClient]) -> None:
    receipt = sample_data.receive_goods(100.2)
    item = receipt.fabric_items[0]
    client = signed_in_client("warehouse")
    path = f"/admin/receipts/{receipt.id}/items/{item.id}/rolls/{item.rolls[0].id}"
    for field, message in (({"blanketQty": "200"}, "More than the roll"), ({"length": "long"}, "A valid number")):
        answer = submit_form(client, path, page=path, **field)
        assert answer.status_code == 422
        assert message in answer.text
    assert packing_list.find_roll(receipt.id, item.id, item.rolls[0].id).inspected_at is None


def test_receipt_is_deleted_after_confirmation(signed_in: Callable[..., Page], app: Hub) -> None:
    receipt = sample_data.receive_goods(100.2)
    page = signed_in("warehouse")
    page.goto(f"/admin/receipts/{receipt.id}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status")).to_contain_text(f"Goods receipt {receipt.invoice_no} is deleted.")
    db.session.rollback()
    assert db.session.scalar(select(GoodsReceipt.id).where(GoodsReceipt.id == receipt.id)) is None
    assert db.session.scalar(select(AuditEntry.action).where(AuditEntry.action == "receipt.deleted"))


def test_documents_appear_when_they_are_created(
    signed_in: Callable[..., Page], app: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)
    receipt = sample_data.receive_goods(100.2)
    page = signed_in("warehouse")
    page.goto(f"/admin/receipts/{receipt.id}")
    documents = page.locator("#documents li")
    expect(documents).to_have_text([re.compile("Goods receipt note"), re.compile("Roll labels")])
    expect(documents.first).to_contain_text("is being created")
    while print_job.print_due():
        continue
    with page.expect_download() as download:
        documents.first.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    documents.first.get_by_role("button", name="Create again").click()
    expect(documents.first).to_contain_text("is being created")


@pytest.mark.parametrize("role", ["billing"])
def test_role_that_only_reads_sees_no_actions(signed_in: Callable[..., Page], app: Hub, role: str) -> None:
    receipt = sample_data.receive_goods(100.2)
    page = signed_in(role)
    page.goto(f"/admin/receipts/{receipt.id}")
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    page.goto(f"/admin/receipts/{receipt.id}/items/{receipt.fabric_items[0].id}")
    expect(page.locator("#rolls tbody tr")).to_have_count(1)
    expect(page.get_by_role("link", name="Inspect")).to_have_count(0)


def test_long_packing_list_has_pages(signed_in: Callable[..., Page], app: Hub) -> None:
    receipt = sample_data.receive_goods(*range(1, 26))
    page = signed_in("warehouse")
    page.goto(f"/admin/receipts/{receipt.id}/items/{receipt.fabric_items[0].id}")
    expect(page.locator("#rolls tbody tr")).to_have_count(20)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#rolls tbody tr")).to_have_count(5)


def test_invalid_filters_are_reported_and_ignored(admin_client: FlaskClient) -> None:
    sample_data.receive_goods(1)
    page = admin_client.get("/admin/receipts?createdFrom=yesterday&page=-1&pageSize=x&color=&_external=1").text
    assert "createdFrom: Date has wrong format." in page
    assert "INV-DEMO-1" in page


@pytest.mark.drill
def test_pages_are_accessible(signed_in: Callable[..., Page], app: Hub) -> None:
    receipt = sample_data.receive_goods(100.2, 110.6, 98)
    item = receipt.fabric_items[0]
    with unit_of_work():
        packing_list.inspect(
            receipt.id, item.id, item.rolls[0].id, {"inspected_length": 99, "shade": "B"}, actor="a test"
        )
        ledgers.add_entry(receipt.id, item.id, {"type": "IN", "qty": 5}, author="Asha", actor="a test")
        ledgers.add_entry(
            receipt.id,
            item.id,
            {"type": "OUT", "out_type": "Sampling", "qty": 400, "remarks": "Lab"},
            author="Asha",
            actor="t",
        )
    check_page(signed_in, "receipts-list", lambda page: page.goto("/admin/receipts"))
    check_page(signed_in, "receipts-show", lambda page: page.goto(f"/admin/receipts/{receipt.id}"))
    path = f"/admin/receipts/{receipt.id}/items/{item.id}"
    check_page(signed_in, "receipts-item", lambda page: page.goto(path))
    check_page(signed_in, "receipts-roll", lambda page: page.goto(f"{path}/rolls/{item.rolls[0].id}"))
