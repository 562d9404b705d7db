"""Booking from a file: preview, choice of columns, row errors, progress, refused rows, the sample."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, Route, expect
from sqlalchemy import func, select

from app.accounts.models.accounts import User
from app.extensions import db
from app.grn import demo
from app.grn.models.receipts import GoodsReceipt
from app.kernel.unit_of_work import unit_of_work
from app.tables.user_files import progress
from app.tables.user_files.progress import Step
from tests.admin.client import csrf_token
from tests.admin.conftest import Opener, check_page, sign_in, take_screenshot

PAGE = "/admin/receipts/upload"
HEADINGS = (
    "Supplier;Invoice No;Fabric;Color;GRN;Order Qty;Invoice Qty;Ordering Width;Supplier Roll No;Supplier Length\n"
)
GOOD = "Bursa Mill;UP-1;Cotton twill;Blue;G1;100;100;145;R1;50,5\n;;;;;;;;R2;49,5\n"
BAD = "Bursa Mill;UP-2;Silk;Blue;G1;100;100;145;R1;long\n"
#: Headings of a Turkish mill.
FOREIGN = HEADINGS.replace("Supplier;", "Firma;", 1).replace("Invoice No", "Fatura Numarasi") + GOOD + BAD
#: Clicks that a person may need from the overview to the stored sample.
MOST_CLICKS = 6


def a_file(content: str | bytes, name: str = "goods.csv") -> Any:
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode() if isinstance(content, str) else content}


def count_receipts() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(GoodsReceipt)) or 0


@pytest.fixture(autouse=True)
def _demo(app: Any) -> None:
    with unit_of_work():
        demo.make_demo()


@pytest.mark.slow
def test_the_sample_is_booked_in_with_few_clicks(signed_in: Callable[..., Page]) -> None:
    page = signed_in("warehouse")
    page.evaluate("sessionStorage.clicks = 0")
    page.context.add_init_script(
        "addEventListener('click', () => { sessionStorage.clicks = 1 + Number(sessionStorage.clicks); }, true)"
    )
    page.reload()
    page.get_by_role("link", name="Goods receipts").first.click()
    page.get_by_role("link", name="Book in from a file").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Sample file").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_label("File", exact=True).click()
    chooser.value.set_files(download.value.path())
    expect(page.locator("#receipts tbody tr")).to_have_count(1)
    assert count_receipts() == 1
    page.get_by_role("button", name="Book in the new receipts").click()
    expect(page.locator(".notice")).to_contain_text("Booked in: 1. Stored before: 0. Refused: 0.")
    assert count_receipts() == 2
    assert int(page.evaluate("sessionStorage.clicks")) <= MOST_CLICKS


@pytest.mark.slow
def test_columns_are_chosen_once_and_refused_rows_are_downloaded(signed_in: Callable[..., Page]) -> None:
    page = signed_in("warehouse")
    page.goto(PAGE)
    drop(page, FOREIGN)
    columns = page.locator("#columns")
    expect(columns).to_contain_text(
        "Unknown headings: Firma, Fatura Numarasi. Missing columns: Supplier, Invoice number."
    )
    expect(page.get_by_label("Column of “Invoice Qty”")).to_have_value("invoiceQty")
    page.get_by_label("Column of “Firma”").select_option("supplier")
    page.get_by_label("Column of “Fatura Numarasi”").select_option("invoiceNo")
    page.get_by_role("button", name="Use these columns").click()
    expect(page.locator("#errors tbody tr")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the refused rows").click()
    content = io.BytesIO(Path(download.value.path()).read_bytes())
    rows = list(openpyxl.load_workbook(content).worksheets[0].iter_rows(values_only=True))
    assert [row[1] for row in rows] == ["Fatura Numarasi", "UP-2"]
    assert "Nothing has the name or code “Silk”." in str(rows[1][-1])
    page.get_by_role("button", name="Book in the new receipts").click()
    expect(page.locator(".notice")).to_contain_text("Booked in: 1. Stored before: 0. Refused: 1.")
    with page.expect_download():  # the file is still there, and a second download is no double submission
        page.get_by_role("button", name="Download the refused rows").click()
    page.goto(PAGE)
    page.get_by_label("File", exact=True).set_input_files(a_file(FOREIGN))
    expect(page.locator("#receipts tbody tr")).to_have_count(2)  # the choice is remembered
    expect(page.locator("#receipts")).to_contain_text("Stored before")


def drop(page: Page, content: str) -> None:
    """Drop a file on the card, as from a folder of the desktop."""
    transfer = page.evaluate_handle(
        "content => { const data = new DataTransfer();"
        " data.items.add(new File([content], 'goods.csv', { type: 'text/csv' })); return data; }",
        content,
    )
    page.locator(".upload").dispatch_event("drop", {"dataTransfer": transfer})


def test_the_page_says_how_far_it_is(open_page: Opener, create_user: Callable[..., User]) -> None:
    user = create_user("warehouse")
    page = sign_in(open_page(), user)
    page.goto(PAGE)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/upload/preview", hold)
    progress.note(user.id, page.locator("[name=upload_id]").input_value(), Step.CHECK, 40, 120)
    page.get_by_label("File", exact=True).set_input_files(a_file(HEADINGS + GOOD))
    expect(page.locator("#upload-progress")).to_contain_text("Checked: 40 of 120")
    expect(page.locator("#upload-progress progress")).to_have_attribute("value", "40")
    held[0].continue_()
    expect(page.locator("#receipts tbody tr")).to_have_count(1)
    expect(page.locator("#upload-progress")).to_be_hidden()


class TestRequests:
    @pytest.fixture
    def warehouse(self, signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
        return signed_in_client("warehouse")

    def send(self, client: FlaskClient, content: bytes | None, end: str = "", **fields: str) -> Any:
        data: dict[str, Any] = {"csrf_token": csrf_token(client, PAGE), **fields}
        if content is not None:
            data["file"] = (io.BytesIO(content), "goods.csv")
        return client.post(f"{PAGE}{end}", data=data, content_type="multipart/form-data")

    def test_only_the_file_of_the_preview_is_stored(self, warehouse: FlaskClient) -> None:
        answer = self.send(warehouse, (HEADINGS + GOOD).encode())
        assert "not the one of the preview" in answer.text
        assert count_receipts() == 1

    def test_a_choice_that_does_not_fit_is_not_remembered(self, warehouse: FlaskClient) -> None:
        data = {"use_columns": "1", "heading": "Firma", "column": "nothing"}
        for fields in (data, {}):
            assert "Unknown headings: Firma" in self.send(warehouse, FOREIGN.encode(), "/preview", **fields).text

    def test_a_file_without_refused_rows_has_none_to_download(self, warehouse: FlaskClient) -> None:
        answer = self.send(warehouse, (HEADINGS + GOOD).encode(), "/refused")
        assert answer.status_code == 303

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "Choose a file first."),
            (b"\xff\xfe\x00", "is not UTF-8"),
            (b"a,b\n1,2\n", "Missing columns"),
            (HEADINGS.encode(), "no receipts"),
        ],
    )
    def test_a_wrong_file_is_refused(self, warehouse: FlaskClient, content: bytes | None, message: str) -> None:
        answer = self.send(warehouse, content, "/preview")
        assert answer.status_code == 200
        assert message in answer.text

    def test_who_only_reads_may_not_upload(self, signed_in_client: Callable[..., FlaskClient]) -> None:
        billing = signed_in_client("billing")
        assert billing.get(PAGE).status_code == 403
        assert "Book in from a file" not in billing.get("/admin/receipts").text

    def test_progress_of_somebody_else_is_unknown(self, warehouse: FlaskClient) -> None:
        progress.note(0, "0000-1111", Step.STORE, 1, 2)
        assert "The file is read" in warehouse.get("/admin/uploads/0000-1111").text


@pytest.mark.drill
def test_page_is_accessible(signed_in: Callable[..., Page]) -> None:
    def upload(content: str) -> Callable[[Page], None]:
        def visit(page: Page) -> None:
            page.goto(PAGE)
            page.locator("#file").set_input_files(a_file(content))
            page.wait_for_selector("#receipts, #columns")

        return visit

    check_page(signed_in, "receipt-upload", upload(HEADINGS + GOOD + BAD))
    check_page(signed_in, "receipt-upload-columns", upload(FOREIGN))
    turkish = signed_in(language="tr")
    turkish.set_viewport_size({"width": 1024, "height": 900})
    upload(FOREIGN)(turkish)
    take_screenshot(turkish, "receipt-upload-turkish-1024")
