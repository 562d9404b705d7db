"""Parts of pages that load themselves again keep the focus and an open menu."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.admin import sample_data
from tests.admin.views.desks.test_review_desk import correct

OPERATIONS, DESK = "/admin/operations", "/admin/sales/review"


def mark(part: Locator) -> None:
    """Mark a part; one that was loaded again has no mark."""
    part.evaluate("part => part.setAttribute('data-mark', '')")


def test_the_focus_stays_on_a_button_and_on_a_row(signed_in: Callable[..., Page], relayed: Callable[[], int]) -> None:
    page = signed_in()
    page.goto(OPERATIONS)
    mark(page.locator("#status"))
    page.get_by_role("button", name="Drain").nth(2).focus()
    expect(page.locator("#status[data-mark]")).to_have_count(0)
    expect(page.get_by_role("button", name="Drain").nth(2)).to_be_focused()
    _, second, third = (sample_data.return_invoice() for _ in range(3))
    page.goto(DESK)
    expect(page.locator(".stream-state")).to_have_text("Live")
    page.get_by_role("link", name=second.invoice_no).focus()
    sample_data.return_invoice()
    relayed()
    expect(page.locator("tbody tr")).to_have_count(4)
    expect(page.get_by_role("link", name=second.invoice_no)).to_be_focused()
    correct(second)
    relayed()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.get_by_role("link", name=third.invoice_no)).to_be_focused()


def test_an_open_menu_stays_and_what_came_meanwhile_is_loaded_then(
    signed_in: Callable[..., Page], relayed: Callable[[], int]
) -> None:
    sample_data.return_invoice()
    page = signed_in()
    page.goto(DESK)
    expect(page.locator(".stream-state")).to_have_text("Live")
    page.get_by_text("Columns", exact=True).click()
    box = page.get_by_role("checkbox", name="Section")
    box.click()
    chosen = box.is_checked()
    with page.expect_response(lambda response: response.request.headers.get("hx-request") == "true"):
        sample_data.return_invoice()
        relayed()
    page.wait_for_timeout(300)
    assert box.is_checked() == chosen
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("tbody tr")).to_have_count(2)
