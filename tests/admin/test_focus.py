"""The keyboard on the main jobs: each stop of Tab is visible and in the order of reading, and Escape goes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from app.accounts.models.accounts import User
from app.grn import demo
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.conftest import Opener, sign_in
from tests.factories import an_item

#: Name, place and outline of what has the focus; nothing outside of the content of the page.
_FOCUSED = """() => {
    const one = document.activeElement;
    if (!one.closest("main") || one.tagName === "MAIN") return null;
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    const name = one.ariaLabel || one.labels?.[0]?.textContent || one.textContent;
    const row = getComputedStyle(one.closest("tr") ?? one);
    const shown = [style, row].some((each) => each.outlineStyle !== "none" && parseFloat(each.outlineWidth) >= 2)
        || style.boxShadow !== "none";
    return {name: name.trim().replace(/\\s+/g, " "), shown, width: box.width, top: Math.round(box.top + scrollY)};
}"""


def stops(page: Page) -> list[str]:
    """The names of what Tab goes through from the beginning of the content to its end; each stop is visible.

    A date field has several stops: day, month, year and calendar.
    """
    page.locator("main").focus()
    names: list[str] = []
    for _ in range(200):
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUSED)
        if stop is None:
            return [name for name, before in zip(names, ["", *names], strict=False) if name != before]
        assert stop["shown"], f"{stop['name']} does not show that it has the focus"
        assert stop["width"] > 1, f"{stop['name']} is not visible"
        names.append(stop["name"])
    raise AssertionError("the focus does not leave the content")


def assert_escape_returns(page: Page, opener: Locator) -> None:
    """A dialog that was opened by the keyboard is closed by Escape, and its button has the focus again."""
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    assert page.evaluate("document.activeElement.closest('dialog[open]') !== null")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()


@pytest.fixture
def seller(create_user: Callable[..., User]) -> User:
    user = sample_data.enable_module(create_user("billing"))
    sample_data.make_seller(user)
    return user


def test_review_desk(signed_in: Callable[..., Page]) -> None:
    first, second = (sample_data.return_invoice(items=[an_item(), an_item()]) for _ in range(2))
    page = signed_in("billing")
    page.goto(f"/admin/sales/review/{first.id}")
    line = ["Quantity", "Price", "Batch", "Expiry date", "Remove the line"]
    names = stops(page)
    assert names[:-2] == [
        *("Sales invoices", "Review desk", "Whole invoice", "Skip"),
        *(*line, *line, "Add a line", "Resolution note", "Save and next", "Show all"),
    ]
    assert [name.split()[0] for name in names[-2:]] == [first.invoice_no, second.invoice_no]


def test_receipt_form(signed_in: Callable[..., Page]) -> None:
    with unit_of_work():
        demo.make_demo()
    page = signed_in("warehouse")
    page.goto("/admin/receipts/new")
    expect(page.get_by_label("Supplier")).to_be_focused()
    assert stops(page) == [
        *("Goods receipts", "Supplier *", "Invoice number *", "Invoice date", "ERP number", "External ID"),
        *("Fabric *", "Colour *", "Shade", "GRN *", "GRN date", "Warehouse", "Order", "FPO", "Unit of quantities"),
        *("Ordered *", "Invoiced *", "Received", "Ordered width *", "Unit of widths", "Ordered weight (g/m²)"),
        *("Remove fabric item 1", "Add a fabric item", "Save the receipt", "Cancel"),
    ]


def test_a_receipt_form_goes_on_where_it_was(signed_in: Callable[..., Page]) -> None:
    with unit_of_work():
        demo.make_demo()
    page = signed_in("warehouse")
    page.goto("/admin/receipts/new")
    fabrics = page.get_by_label("Fabric *")
    page.get_by_role("button", name="Add a fabric item").press("Enter")
    expect(fabrics).to_have_count(2)
    expect(fabrics.nth(1)).to_be_focused()
    page.get_by_role("button", name="Add a fabric item").press("Enter")
    expect(fabrics.nth(2)).to_be_focused()
    page.get_by_role("button", name="Remove fabric item 2").press("Enter")
    expect(fabrics).to_have_count(2)
    expect(fabrics.nth(1)).to_be_focused()
    page.get_by_label("Supplier").fill("Nobody")
    page.keyboard.press("Enter")
    expect(page.locator(".field-error").first).to_be_visible()
    expect(page.get_by_label("Supplier")).to_be_focused()


def test_draft_editor(open_page: Opener, seller: User) -> None:
    draft = sample_data.create_draft(seller)
    page = sign_in(open_page(), seller)
    page.goto(f"/admin/einvoices/{draft.id}/edit")
    assert stops(page) == [
        *("E-invoices", f"Draft {draft.id}", "Name", "Tax ID", "Tax office", "not said"),
        *("Address", "Delivery address", "E-mail address", "Phone", "Buyer in legal documents"),
        *("Name of the item", "SKU", "Quantity", "Price", "Discount", "VAT %", "Remove the line"),
        *("For legal documents", "Add a line", "Marketplace", "Order number", "Currency"),
        *("This order may have another e-invoice", "Notes", "Payment, delivery and references"),
        *("Türkiye (UBL-TR)", "India (INV-01)", "Save draft", "Save and preview", "Cancel"),
    ]


def test_the_first_wrong_field_has_the_focus(signed_in: Callable[..., Page]) -> None:
    page = signed_in("admin")
    page.goto("/admin/settings/api/new")
    page.get_by_label("Name", exact=True).fill("Web shop")
    page.keyboard.press("Enter")
    expect(page.locator(".field-error")).to_have_text("Choose at least one.")
    expect(page.get_by_role("checkbox").first).to_be_focused()


def test_escape_closes_dialogs_and_menus(open_page: Opener, seller: User) -> None:
    issued = sample_data.issue_einvoice(seller)
    page = sign_in(open_page(), seller)
    page.goto(f"/admin/einvoices/{issued.id}")
    for name in ("Credit note…", "Cancel e-invoice…"):
        assert_escape_returns(page, page.get_by_role("button", name=name, exact=True))
    page.goto("/admin/einvoices")
    page.get_by_label("All on this page").check()
    assert_escape_returns(page, page.get_by_role("button", name="Send…"))
    columns = page.locator("summary", has_text="Columns")
    columns.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(columns).to_be_focused()
    expect(page.locator("details.menu[open]")).to_have_count(0)


def test_escape_closes_the_menu_of_a_phone(signed_in: Callable[..., Page]) -> None:
    page = signed_in("billing", phone=True)
    menu = page.get_by_role("button", name="Menu")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(menu).to_be_focused()


def test_what_enter_does_in_a_dialog_without_fields(open_page: Opener, seller: User) -> None:
    draft = sample_data.create_draft(seller)
    page = sign_in(open_page(), seller)
    page.goto(f"/admin/einvoices/{draft.id}")
    issue = page.get_by_role("button", name="Issue…", exact=True)
    issue.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]").get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_role("button", name="Issue…", exact=True)).to_be_focused()
