"""Upload of a sales file: preview, row errors, import, and files that are refused."""

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
from sqlalchemy import text

from app.extensions import db
from tests.admin.client import csrf_token
from tests.admin.conftest import check_page, take_screenshot

PAGE = "/admin/sales/upload"
CASES = Path(__file__).parents[3] / "cases"
HEADINGS = "invoice_no;invoice_date;customer_code;customer_name;item_name;item_code;quantity;mrp\n"
GOOD = "UP-1;2026-11-20;C1;City Care;Aspirin;P1;2;10,50\nUP-1;;;;Otrivin;P2;1;85\n"
BAD = "UP-2;20.11.2026;C1;City Care;Aspirin;P1;0;1\n"


def a_file(content: str, name: str = "day.csv") -> Any:
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode()}


def count_invoices() -> int:
    with db.engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM sales_invoices")) or 0


@pytest.mark.slow
def test_a_file_is_previewed_and_imported(signed_in: Callable[..., Page]) -> None:
    page = signed_in("billing")
    page.goto("/admin/sales")
    page.get_by_role("link", name="Upload a file").click()
    page.get_by_label("File", exact=True).set_input_files(a_file(HEADINGS + GOOD + BAD))
    errors = page.locator("#errors tbody tr")
    expect(errors).to_have_count(1)
    expect(errors).to_contain_text("invoice_date")
    expect(page.locator("#invoices tbody tr")).to_have_count(2)
    assert count_invoices() == 0
    page.get_by_label("Dates in the file").select_option("dd.mm.yyyy")
    expect(errors.filter(has_text="quantity")).to_have_count(1)  # its date is right then
    page.get_by_label("Dates in the file").select_option(index=0)
    expect(errors).to_contain_text("invoice_date")
    page.get_by_role("button", name="Import the new invoices").click()
    expect(page.locator(".notice")).to_contain_text("Imported: 1. Stored before: 0. Refused: 1.")
    page.get_by_role("link", name="UP-1").click()
    expect(page.locator(".totals")).to_contain_text("106.00")
    assert count_invoices() == 1


class TestRequests:
    @pytest.fixture
    def billing(self, signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
        return signed_in_client("billing")

    def send(self, client: FlaskClient, content: bytes | None, path: str = PAGE, **fields: str) -> Any:
        data: dict[str, Any] = {"csrf_token": csrf_token(client, PAGE), **fields}
        if content is not None:
            data["file"] = (io.BytesIO(content), "day.csv")
        return client.post(path, data=data, content_type="multipart/form-data")

    def test_a_preview_stores_nothing(self, billing: FlaskClient) -> None:
        answer = self.send(billing, (HEADINGS + GOOD).encode(), f"{PAGE}/preview")
        assert answer.status_code == 200
        assert "UP-1" in answer.text
        assert count_invoices() == 0

    def test_another_file_than_that_of_the_preview_is_not_imported(self, billing: FlaskClient) -> None:
        content = (HEADINGS + GOOD).encode()
        for fields in ({}, {"digest": "x"}):
            answer = self.send(billing, content, **fields)
            assert "not the one of the preview" in answer.text
            assert count_invoices() == 0
        digest = hashlib.sha256(content).hexdigest()
        for _ in range(2):  # a double submission stores nothing twice
            assert self.send(billing, content, digest=digest).status_code == 200
        assert count_invoices() == 1

    def test_refused_rows_can_be_downloaded_and_uploaded_again(self, billing: FlaskClient) -> None:
        answer = self.send(billing, (HEADINGS + GOOD + BAD).encode(), f"{PAGE}/refused")
        rows = list(openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0].iter_rows(values_only=True))
        assert [(row[0], row[-1] is not None) for row in rows] == [("invoice_no", True), ("UP-2", True)]
        again = self.send(billing, answer.data, f"{PAGE}/preview", date_format="dd.mm.yyyy")
        assert "UP-2" in again.text
        assert "invoice_date" not in again.text.partition("Invoices in the file")[0].partition('id="errors"')[2]

    @pytest.mark.parametrize("case", sorted(path.name for path in CASES.glob("sales-*.[cx]*")))
    def test_files_of_people_are_answered(self, billing: FlaskClient, case: str) -> None:
        answer = self.send(billing, (CASES / case).read_bytes(), f"{PAGE}/preview")
        assert answer.status_code == 200
        assert 'class="notice error"' in answer.text or "Invoices in the file" in answer.text

    @pytest.mark.parametrize(
        ("content", "fields", "message"),
        [
            (None, {}, "Choose a file first."),
            (b"", {}, "Choose a file first."),
            (b"a,b\n1,2\n", {}, "Unknown headings: a, b. Missing columns: Invoice number,"),
            (HEADINGS.encode(), {}, "no invoices"),
            (b"\xff\xfe\x00", {}, "is not UTF-8"),
            (GOOD.encode(), {"date_format": "day"}, "no date format"),
        ],
    )
    def test_a_wrong_file_is_refused(
        self, billing: FlaskClient, content: bytes | None, fields: dict[str, str], message: str
    ) -> None:
        answer = self.send(billing, content, f"{PAGE}/preview", **fields)
        assert answer.status_code == 200
        assert message in answer.text

    def test_warehouse_may_not_upload(self, signed_in_client: Callable[..., FlaskClient]) -> None:
        warehouse = signed_in_client("warehouse")
        assert warehouse.get(PAGE).status_code == 403
        assert "Upload a file" not in warehouse.get("/admin/sales").text


@pytest.mark.drill
def test_page_is_accessible(signed_in: Callable[..., Page]) -> None:
    def upload(page: Page) -> None:
        page.goto(PAGE)
        page.locator("#file").set_input_files(a_file(HEADINGS + GOOD + BAD))
        page.wait_for_selector("#invoices")

    check_page(signed_in, "sales-upload", upload)
    turkish = signed_in(language="tr")
    turkish.set_viewport_size({"width": 1024, "height": 900})
    upload(turkish)
    take_screenshot(turkish, "sales-upload-turkish-1024")
