"""Pick slip and box labels on the pages of sales."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.kernel.http.app import Hub
from app.sales.prints import service
from app.sales.queries.lookup import find_by_number
from tests.admin import sample_data
from tests.admin.conftest import check_page, take_screenshot


@pytest.fixture(autouse=True)
def _own_storage(app: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)


def test_papers_are_printed_from_the_page_of_an_invoice(signed_in: Callable[..., Page]) -> None:
    invoice = find_by_number(sample_data.import_invoice())
    page = signed_in("warehouse")
    page.goto(f"/admin/sales/{invoice.id}")
    page.get_by_role("link", name="Pick slip").click()
    expect(page.locator("#print")).to_contain_text("The PDF is being created.")
    service.print_due()
    expect(page.locator("#print iframe")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"pick-slip-{invoice.invoice_no}.pdf"
    page.goto(f"/admin/sales/{invoice.id}")
    page.get_by_role("link", name="Box labels").click()
    expect(page.locator("#print")).to_have_count(0)
    page.get_by_label("Thermal labels").check()
    page.get_by_label("Number of labels").fill("2")
    page.get_by_role("button", name="Create the labels").click()
    expect(page.locator("#print")).to_contain_text("The PDF is being created.")
    service.print_due()
    expect(page.locator("#print iframe")).to_be_visible()
    take_screenshot(page, "sales-box-labels")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    assert service.find_box_labels(invoice.id, None, paper=service.LabelPaper.THERMAL, copies=2)


def test_wrong_choice_is_said(signed_in_client: Callable[..., FlaskClient]) -> None:
    invoice = find_by_number(sample_data.import_invoice())
    page = signed_in_client("warehouse").get(f"/admin/sales/{invoice.id}/box-labels?paper=a4&start=15").text
    assert "start:" in page
    assert 'id="print"' not in page


def test_failure_says_why(signed_in_client: Callable[..., FlaskClient]) -> None:
    invoice = find_by_number(sample_data.import_invoice(remarks="a\ue000"))
    client = signed_in_client("warehouse")
    client.get(f"/admin/sales/{invoice.id}/pick-slip")
    service.print_due()
    page = client.get(f"/admin/sales/{invoice.id}/pick-slip").text
    assert "U+E000" in page
    assert "every 1s" not in page


@pytest.mark.drill
def test_pages_are_accessible(signed_in: Callable[..., Page]) -> None:
    invoice = find_by_number(sample_data.import_invoice())
    for name, path in (("pick-slip", "pick-slip"), ("box-labels", "box-labels?paper=a4")):

        def visit(page: Page, path: str = path) -> None:
            page.goto(f"/admin/sales/{invoice.id}/{path}")
            service.print_due()
            expect(page.locator("#print iframe")).to_have_count(1)

        check_page(lambda **options: signed_in("warehouse", **options), f"sales-{name}", visit)
