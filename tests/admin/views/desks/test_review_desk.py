"""Review desk: the queue, the table of items, the keyboard, refusals, and changes by somebody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.sales.floor import available_steps
from app.sales.floor.history import Actor
from app.sales.models.invoices import SalesInvoice
from app.sales.queries.lookup import find
from tests.admin import sample_data
from tests.admin.client import newer_version, submit_form
from tests.admin.conftest import Opener, check_page, sign_in, take_screenshot
from tests.factories import an_item

DESK = "/admin/sales/review"


def path_of(invoice: SalesInvoice) -> str:
    return f"{DESK}/{invoice.id}"


def lines(invoice_id: int) -> list[tuple[Any, ...]]:
    """Line number, code, quantity, price and batch of each item."""
    items = find(invoice_id).items
    return [(item.line_no, item.item_code, item.quantity, f"{item.mrp:.2f}", item.batch_no) for item in items]


def batches(*numbers: str) -> list[dict[str, Any]]:
    """Lines of one item in several batches."""
    return [an_item(item_code="PR650", barcode="8901", batch_no=batch, quantity=20, mrp=3.5) for batch in numbers]


def correct(invoice: SalesInvoice) -> None:
    """Correct an invoice as the ERP does."""
    with unit_of_work():
        data = {"invoice_no": invoice.invoice_no, "items": []}
        available_steps.perform("billing.correct", data, Actor("ERP"))


@pytest.mark.slow
def test_review_is_corrected_in_four_clicks(signed_in: Callable[..., Page]) -> None:
    first, second = (sample_data.return_invoice(items=batches("B1", "B2")) for _ in range(2))
    page = signed_in("billing")
    clicks = 0

    def click(role: Any, name: str) -> None:
        nonlocal clicks
        page.get_by_role(role, name=name).first.click()
        clicks += 1

    click("link", "Review desk")
    click("link", first.invoice_no)
    expect(page.locator("#returned")).to_contain_text("Batch on the box is B456")
    page.get_by_label("Batch").first.click()
    clicks += 1
    page.keyboard.press("End")
    page.keyboard.type("456")
    click("button", "Save and next")
    assert clicks <= 4
    expect(page.get_by_role("status")).to_contain_text(f"{first.invoice_no} is corrected.")
    expect(page.get_by_role("heading", name=second.invoice_no)).to_be_visible()
    assert find(first.id).status == "PICKING"
    assert [line[4] for line in lines(first.id)] == ["B1456", "B2"]


@pytest.mark.slow
def test_review_is_corrected_by_keyboard_alone(signed_in: Callable[..., Page]) -> None:
    first, second = (sample_data.return_invoice(items=batches("B1", "B2")) for _ in range(2))
    page = signed_in("billing")
    page.goto(DESK)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=first.invoice_no)).to_be_visible()
    expect(page.get_by_label("Quantity").first).to_be_focused()
    page.keyboard.type("18")
    for key in ("Enter", "Tab"):  # the quantity of the second line, and its price
        page.keyboard.press(key)
    page.keyboard.type("4.25")
    for key in ("Enter", "Enter"):  # the button that adds a line, and the line
        page.keyboard.press(key)
    for value in ("Otrivin", "OTN10", "", "3", "85", "C7"):
        page.keyboard.type(value)
        page.keyboard.press("Tab")
    expect(page.locator("[data-total]")).to_have_text("403.00")  # 18 × 3.50 + 20 × 4.25 + 3 × 85
    expect(page.locator("[data-difference]")).to_have_text("263.00")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name=second.invoice_no)).to_be_visible()
    assert lines(first.id) == [
        (1, "PR650", 18, "3.50", "B1"),
        (2, "PR650", 20, "4.25", "B2"),
        (3, "OTN10", 3, "85.00", "C7"),
    ]
    assert f"{find(first.id).total_amount:.2f}" == "403.00"


def test_typed_values_stay_while_the_queue_changes(signed_in: Callable[..., Page], relayed: Callable[[], int]) -> None:
    invoice = sample_data.return_invoice()
    page = signed_in("billing")
    page.goto(path_of(invoice))
    with page.expect_response(re.compile("/live")):
        quantity = page.get_by_label("Quantity").first
        quantity.fill("19")
        other = sample_data.return_invoice()
        relayed()
    expect(page.locator("#queue li")).to_have_count(2)
    expect(page.locator("#queue")).to_contain_text(other.invoice_no)
    expect(quantity).to_have_value("19")
    expect(quantity).to_be_focused()
    correct(invoice)
    relayed()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("Changed by ERP, .*: Correction by billing"))
    expect(quantity).to_have_value("19")
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_text("Not saved: the invoice was changed")).to_be_visible()
    expect(page.get_by_label("Quantity").first).to_have_value("19")
    assert lines(invoice.id)[0][2] == 20


def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(signed_in: Callable[..., Page]) -> None:
    invoice = sample_data.return_invoice()
    page = signed_in("billing")
    page.goto(path_of(invoice))
    page.get_by_label("Quantity").first.fill("0")
    page.get_by_label("Price").nth(1).fill("1,5")
    expect(page.locator("[data-total]")).to_have_text("–")
    page.get_by_label("Resolution note").fill("Counted again")
    page.get_by_role("button", name="Add a line").click()
    page.get_by_role("button", name="Save and next").click()
    quantity, price = page.get_by_label("Quantity").first, page.get_by_label("Price").nth(1)
    expect(quantity).to_have_accessible_description(re.compile("greater than or equal to 1"))
    expect(quantity).to_have_value("0")
    expect(quantity).to_be_focused()
    expect(price).to_have_accessible_description("A valid number is required.")
    expect(price).to_have_value("1,5")
    expect(page.get_by_label("Name of the item")).to_have_accessible_description("This field may not be blank.")
    expect(page.get_by_label("Resolution note")).to_have_value("Counted again")
    for button in page.get_by_role("button", name="Remove the line").all()[::-1]:
        button.click()
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_role("alert").first).to_contain_text("at least one item must be sent")
    assert find(invoice.id).status == "REVIEW"


def test_numbers_are_read_as_the_language_writes_them(signed_in: Callable[..., Page]) -> None:
    invoice = sample_data.return_invoice(items=[an_item(mrp=1234.5, quantity=2)])
    page = signed_in("billing", language="tr")
    page.goto(path_of(invoice))
    price = page.get_by_label("Fiyat")
    expect(price).to_have_value("1234,50")
    price.fill("12.50")
    expect(page.locator("[data-total]")).to_have_text("–")
    price.fill("2.000,125")
    expect(page.locator("[data-total]")).to_have_text("4.000,25")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("review$"))
    assert f"{find(invoice.id).items[0].mrp:.4f}" == "2000.1250"


@pytest.mark.parametrize(
    ("quantity", "price"),
    [
        ("1", "0.005"),
        ("3", "0.0049"),
        ("7", "1.0051"),
        ("1000000000", "9999.9999"),
        ("1,234", "12,345.6789"),
        ("1,00,000", "12,34,567.5"),
        ("9", "0"),
    ],
)
def test_live_totals_follow_the_rules_of_the_server(signed_in: Callable[..., Page], quantity: str, price: str) -> None:
    invoice = sample_data.return_invoice(items=[an_item()])
    page = signed_in("billing")
    page.goto(path_of(invoice))
    page.get_by_label("Quantity").fill(quantity)
    page.get_by_label("Price").fill(price)
    shown = page.locator("[data-total]").inner_text()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("review$"))
    assert shown == f"{find(invoice.id).total_amount:,.2f}"


class TestForm:
    """What a browser with the page's script does not send."""

    @pytest.fixture
    def invoice(self) -> SalesInvoice:
        return sample_data.return_invoice(items=batches("B1", "B2"))

    @pytest.fixture
    def billing(self, signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
        return signed_in_client("billing")

    def save(self, client: FlaskClient, invoice: SalesInvoice, **fields: Any) -> Any:
        version = clock.iso(invoice.updated_at)
        row = {"line_no": "1", "quantity": "20", "mrp": "3.5", "batch_no": "B1", "expiry_date": ""}
        return submit_form(client, path_of(invoice), **{"version": version, **row, **fields})

    def test_second_submit_changes_nothing(self, billing: FlaskClient, invoice: SalesInvoice) -> None:
        version = clock.iso(invoice.updated_at)
        assert self.save(billing, invoice).status_code == 303
        saved = find(invoice.id).updated_at
        answer = self.save(billing, invoice, version=version, quantity="7")
        assert answer.status_code == 409
        assert 'value="7"' in answer.text
        assert find(invoice.id).updated_at == saved
        assert "replaces" not in answer.text  # it is not in review any more

    def test_typed_values_replace_a_newer_version(self, billing: FlaskClient, invoice: SalesInvoice) -> None:
        answer = self.save(billing, invoice, version="2026-01-01T00:00:00Z", quantity="7")
        assert answer.status_code == 409
        old = {"version": "2026-01-01T00:00:00Z", "replaces": newer_version(answer)}
        assert self.save(billing, invoice, **old, quantity="7").status_code == 303
        assert [line[2] for line in lines(invoice.id)] == [7]

    def test_row_keeps_its_line_when_another_takes_its_batch(self, billing: FlaskClient, invoice: SalesInvoice) -> None:
        rows = {"line_no": ["1", "2"], "quantity": ["1", "2"], "mrp": ["3", "4"], "batch_no": ["B2", "B1"]}
        assert self.save(billing, invoice, **rows, expiry_date=["2027-01-31", ""]).status_code == 303
        assert lines(invoice.id) == [(1, "PR650", 1, "3.00", "B2"), (2, "PR650", 2, "4.00", "B1")]
        assert str(find(invoice.id).items[0].expiry_date) == "2027-01-31"

    @pytest.mark.parametrize(
        "fields",
        [
            {"version": "now"},
            {"version": "2026-01-01T00:00:00"},
            {"line_no": "-1"},
            {"line_no": "²"},
            {"line_no": ""},
            {"quantity": ["1", "2"]},
        ],
    )
    def test_broken_form_is_refused(self, billing: FlaskClient, invoice: SalesInvoice, fields: dict[str, Any]) -> None:
        answer = self.save(billing, invoice, **fields)
        assert answer.status_code == 303
        assert "The table of items is incomplete." in billing.get("/admin/account").text
        assert find(invoice.id).status == "REVIEW"

    def test_unknown_line_is_refused(self, billing: FlaskClient, invoice: SalesInvoice) -> None:
        assert self.save(billing, invoice, line_no="9").status_code == 422
        assert find(invoice.id).status == "REVIEW"

    def test_line_that_is_named_twice_is_refused(self, billing: FlaskClient, invoice: SalesInvoice) -> None:
        twice = {name: [value] * 2 for name, value in {"line_no": "1", "quantity": "2", "mrp": "1"}.items()}
        answer = self.save(billing, invoice, **twice, batch_no=["", ""], expiry_date=["", ""])
        assert answer.status_code == 422
        assert "it was already named" in answer.text

    def test_unknown_invoice_is_not_found(self, billing: FlaskClient) -> None:
        for path in (f"{DESK}/1", f"{DESK}/1/live?version=2026-01-01T00:00:00Z"):
            assert billing.get(path).status_code == 404

    def test_warehouse_has_no_desk(self, signed_in_client: Callable[..., FlaskClient], invoice: SalesInvoice) -> None:
        warehouse = signed_in_client("warehouse")
        for path in (DESK, path_of(invoice), f"{path_of(invoice)}/live"):
            assert warehouse.get(path).status_code == 403

    def test_corrected_invoice_opens_its_page(self, billing: FlaskClient, invoice: SalesInvoice) -> None:
        correct(invoice)
        answer = billing.get(path_of(invoice))
        assert answer.headers["Location"] == f"/admin/sales/{invoice.id}"


def test_skip_goes_round(signed_in_client: Callable[..., FlaskClient]) -> None:
    first, second = (sample_data.return_invoice() for _ in range(2))
    client = signed_in_client("billing")
    assert f'href="{path_of(second)}">Skip' in client.get(path_of(first)).text
    assert f'href="{path_of(first)}">Skip' in client.get(path_of(second)).text
    correct(second)
    assert f'href="{DESK}">Skip' in client.get(path_of(first)).text


@pytest.mark.drill
def test_pages_are_accessible(
    signed_in: Callable[..., Page], open_page: Opener, create_user: Callable[..., User]
) -> None:
    long_reason = "The box holds batch B456 with expiry 03/2027, the invoice says B123; two strips are damaged."
    customer = {"code": "C-1", "name": "City Care Pharmacy and Surgical Supplies"}
    items = [
        an_item(name="Paracetamol 650 mg, strip of 15", batch_no="B123", packing="1 x 15", shelf_location="A-3"),
        *(an_item(name=name, mrp=45.67, quantity=120) for name in ("Otrivin nasal spray", "Zincovit")),
    ]
    first = sample_data.return_invoice(long_reason, customer=customer, items=items)
    for number in range(3):
        sample_data.return_invoice("Wrong price", sender=f"Asha {number}")
    with unit_of_work():
        find(first.id).returns[0].returned_at = clock.now() - timedelta(hours=3)

    def desk(page: Page) -> None:
        page.goto(path_of(first))
        page.get_by_role("button", name=re.compile("Add a line|Satır ekle")).click()
        page.get_by_label(re.compile("Quantity|Miktar")).first.fill("0")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".field-error")

    page = signed_in("billing", name="Asha")
    page.goto(path_of(first))
    take_screenshot(page, "review-desk")
    check_page(signed_in, "review-list", lambda page: page.goto(DESK))
    check_page(signed_in, "review-desk-errors", desk)
    user = create_user()
    for width in (1440, 1024, 390):
        page = sign_in(open_page(language="tr", dark=width == 1024), user)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(DESK)
        take_screenshot(page, f"review-list-turkish-{width}")
        desk(page)
        take_screenshot(page, f"review-desk-errors-turkish-{width}")
