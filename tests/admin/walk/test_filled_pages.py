"""Long names, long numbers and large amounts fit on the pages, in each size."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from app.accounts.models.accounts import User
from tests.admin.conftest import Opener, sign_in
from tests.admin.walk.filled_hub import SIZES, faults_in, fill

PATHS = (
    "/admin/sales",
    "/admin/sales/review/71",
    "/admin/sales/customers/2",
    "/admin/receipts",
    "/admin/rolls",
    "/admin/users",
    "/admin/modules",
    "/admin/settings/api",
    "/admin/einvoices?attention=rejected",
    "/admin/einvoices/35",
    "/admin/einvoices/35/edit",
)
SERIOUS = re.compile(
    r"too wide|scrolls sideways|right of the page|overlaps|sticks out|(choice|placeholder) is cut"
    r"|small target: <(button|a)|value is cut.* (batch_no=|name=City)"
)

#: Texts of which a part is not shown.
CUT = "all => all.filter(one => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight + 9)"


@pytest.fixture
def page(open_page: Opener, create_user: Callable[..., User]) -> Page:
    user = create_user("admin", name="Ayşe Demir")
    fill(user)
    return sign_in(open_page(language="tr"), user)


@pytest.mark.drill
def test_long_texts_fit(page: Page) -> None:
    faults = []
    for path in PATHS:
        page.goto(path)
        for width, height in {**SIZES, 1280: 860}.items():
            page.set_viewport_size({"width": width, "height": height})
            faults += [f"{path} {width}: {fault}" for fault in faults_in(page) if SERIOUS.search(fault)]
    assert not faults


@pytest.mark.drill
@pytest.mark.parametrize("language", ["en", "tr"])
def test_twenty_rows_with_buttons_are_one_screen(page: Page, language: str) -> None:
    page.set_extra_http_headers({"Accept-Language": language})
    for width in (1440, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto("/admin/users")
        heights = page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.offsetHeight)")
        assert max(heights) <= 30, width
        assert not [fault for fault in faults_in(page) if SERIOUS.search(fault)]


@pytest.mark.drill
@pytest.mark.parametrize("path", ["/admin/users", "/admin/settings/api", "/admin/settings/keys"])
def test_names_beside_buttons_are_whole_on_a_tablet(page: Page, path: str) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto(path)
    cells = page.locator("td.text > span:not(:has(small))", has_text=re.compile("shop|@hub|Asha|ERP|Accountant"))
    assert cells.count() >= 2
    cut = cells.evaluate_all(f"{CUT}.map(one => one.innerText)")
    assert [text for text in cut if "," not in text] == []
    assert not [fault for fault in faults_in(page) if SERIOUS.search(fault)]


@pytest.mark.drill
def test_names_use_the_room_of_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/admin/users")
    cell = page.locator("td.text > span", has_text="cagri.simsek")
    assert cell.evaluate("span => span.scrollWidth > 150 && getComputedStyle(span).maxWidth === 'none'")


@pytest.mark.drill
def test_texts_use_the_room_that_a_table_has(page: Page) -> None:
    page.set_viewport_size({"width": 1024, "height": 900})
    page.goto("/admin/modules")
    cells = page.locator("td.text > span", has_text=re.compile(r"^user\d+@hub.example$"))
    assert cells.count() >= 10
    assert cells.evaluate_all(f"{CUT}.map(one => one.innerText)") == []


@pytest.mark.drill
@pytest.mark.parametrize(
    ("path", "opener"), [("/admin/users", "[commandfor*=deactivate]"), ("/admin/einvoices", "[data-step]")]
)
def test_dialogs_of_lists_have_buttons_as_all_others(page: Page, path: str, opener: str) -> None:
    page.goto(path)
    page.locator(".choice input").first.check() if opener == "[data-step]" else None
    page.locator(opener).first.click()
    buttons = page.locator("dialog[open] footer button")
    shown = "all => all.map(each => [each.offsetHeight, getComputedStyle(each).fontSize])"
    (first, second) = buttons.evaluate_all(shown)
    assert first == second == [buttons.first.evaluate("button => button.offsetHeight"), "15px"]
    assert first[0] >= 34
    colour = buttons.first.evaluate("button => getComputedStyle(button).backgroundColor")
    assert colour not in {"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}
