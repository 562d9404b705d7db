"""Pages as the browser prints them: all columns in black on white, and nothing that only works on a screen."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from pypdf import PdfReader

from app.accounts.models.accounts import User
from app.sales.queries.lookup import find_by_number
from tests.admin import sample_data
from tests.admin.conftest import Opener, sign_in
from tests.factories import an_item

pytestmark = pytest.mark.drill
#: Width of A4 less the margins, upright and across, in CSS pixels.
UPRIGHT, ACROSS = 702, 1031
#: Elements that only work on a screen.
TOOLS = "button, nav, search, .button, .actions, .sidebar, .topbar, [type=checkbox], iframe, #messages + .notice"
VISIBLE_TOOLS = f"[...document.querySelectorAll('{TOOLS}')].filter(e => e.checkVisibility()).map(e => e.outerHTML)"
CUT = """[...document.querySelectorAll('main *')].filter(e => e.checkVisibility()).filter(e =>
    !e.closest('.visually-hidden, svg') && (e.getBoundingClientRect().right > innerWidth + 1 ||
    (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible'))).map(e => e.outerHTML)"""
#: The words of cells that stand on two lines, and could stand on one.
BROKEN = """[...document.querySelectorAll('td')].filter(e => e.checkVisibility()).flatMap(cell => {
    const found = [], walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) for (const {0: word, index} of walker.currentNode.data.matchAll(/[^\\s-]{1,20}/g)) {
        const range = document.createRange();
        range.setStart(walker.currentNode, index);
        range.setEnd(walker.currentNode, index + word.length);
        if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) found.push(word);
    }
    return found;
})"""
COLOURS = """[...document.querySelectorAll('body, main, main :not(svg, svg *)')].filter(e => e.checkVisibility())
    .flatMap(e => [getComputedStyle(e).color + ' on ' + getComputedStyle(e).backgroundColor])"""
BLACK_ON_WHITE = {f"rgb(0, 0, 0) on {back}" for back in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")}


#: Their names leave little room for codes and shelves.
ITEMS = [
    an_item(name="A medicine with a rather long name, " * 4, item_code="PR12345", shelf_location=f"A-{number}-03")
    for number in range(12)
]


@pytest.fixture
def admin(create_user: Callable[..., User]) -> User:
    user = sample_data.enable_module(create_user("admin"))
    sample_data.expire_modules_in(user, days=3)  # each page says so, but not on paper
    sample_data.make_seller(user)
    return user


@pytest.fixture
def paths(admin: User) -> dict[str, tuple[str, int]]:
    """Pages, and the width of their paper."""
    for number in range(30):
        customer = {"code": f"C{number}", "name": "A customer with a rather long name, in Kozhikode and Istanbul"}
        invoice_no = sample_data.import_invoice(customer=customer, salesman="A salesman with a long name", items=ITEMS)
        sample_data.create_draft(
            admin, buyer={"name": "Uzun isimli alıcı anonim şirketi"}, marketplace_order_no=f"TY-{number}"
        )
    issued = sample_data.issue_einvoice(admin)
    returned = sample_data.return_invoice()
    receipt = sample_data.receive_goods(10, 20, 30)
    item = receipt.fabric_items[0].id
    return {
        "sales": ("/admin/sales", ACROSS),
        "sale": (f"/admin/sales/{find_by_number(invoice_no).id}", UPRIGHT),
        "review-desk": (f"/admin/sales/review/{returned.id}", UPRIGHT),
        "einvoices": ("/admin/einvoices", ACROSS),
        "einvoice": (f"/admin/einvoices/{issued.id}", UPRIGHT),
        "receipts": ("/admin/receipts", ACROSS),
        "receipt": (f"/admin/receipts/{receipt.id}", UPRIGHT),
        "rolls": (f"/admin/receipts/{receipt.id}/items/{item}", ACROSS),
        "customers": ("/admin/sales/customers", ACROSS),
        "calls": ("/admin/settings/api/logs", ACROSS),
    }


def print_page(page: Page, name: str) -> PdfReader:
    """The page as PDF; it is kept in the folder ``SCREENSHOTS``, if that is set."""
    content = page.pdf(prefer_css_page_size=True)
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"print-{name}.pdf").write_bytes(content)
    return PdfReader(io.BytesIO(content))


@pytest.mark.parametrize("options", [{"dark": True}, {"language": "tr"}], ids=["dark", "turkish"])
def test_pages_are_printed(
    open_page: Opener, admin: User, paths: dict[str, tuple[str, int]], options: dict[str, Any]
) -> None:
    page = sign_in(open_page(**options), admin)
    faults = {}
    for name, (path, width) in paths.items():
        answer = page.goto(path)
        assert answer is not None
        assert answer.ok, path
        shown = page.locator("thead th:not(.choice, :has(.visually-hidden)):visible").all_inner_texts()
        page.emulate_media(media="print")
        page.set_viewport_size({"width": width, "height": 900})
        found = [
            *page.evaluate(VISIBLE_TOOLS),
            *page.evaluate(CUT),
            *page.evaluate(BROKEN),
            *{*page.evaluate(COLOURS)} - BLACK_ON_WHITE,
        ]
        reader = print_page(page, f"{name}-{next(iter(options))}")
        box = reader.pages[0].mediabox
        if (box.width > box.height) != (width == ACROSS):
            found.append(f"{box.width} × {box.height}")
        text = " ".join(sheet.extract_text() for sheet in reader.pages)
        found += [heading for heading in map(str.split, shown) if heading and heading[0] not in text]
        if found:
            faults[name] = found
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1280, "height": 900})
    assert faults == {}
