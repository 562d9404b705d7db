"""Navigation menu on a desktop and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.admin.navigation import NAVIGATION
from app.kernel.http.app import Hub
from tests.admin.conftest import take_screenshot


def test_every_entry_has_a_guarded_page(app: Hub) -> None:
    for group in NAVIGATION:
        for entry in group.entries:
            assert hasattr(app.view_functions[entry.endpoint], "ability"), entry.endpoint


@pytest.mark.slow
def test_every_role_can_open_the_entries_it_sees(signed_in_client: Callable[..., FlaskClient]) -> None:
    for role in ("admin", "billing", "warehouse", "integrator"):
        client = signed_in_client(role)
        page = client.get("/admin").text
        shown = re.findall(r'<li><a href="([^"]+)"', page.split("<nav")[1].split("</nav>")[0])
        assert shown
        for path in shown:
            assert client.get(path).status_code == 200, (role, path)


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/admin", "/admin"),
        ("/admin/sales/upload", "/admin/sales"),
        ("/admin/sales/customers", "/admin/sales"),
        ("/admin/sales/review", "/admin/sales/review"),
        ("/admin/receipts/new", "/admin/receipts"),
        ("/admin/masters/fabrics/new", "/admin/masters"),
        ("/admin/settings/api/new", "/admin/settings/api"),
        ("/admin/settings/api/logs", "/admin/settings/api/logs"),
        ("/admin/search", None),
        ("/admin/help/first-steps", None),
    ],
)
def test_the_entry_of_a_page_is_marked(admin_client: FlaskClient, path: str, entry: str | None) -> None:
    page = admin_client.get(path)
    assert page.status_code == 200
    marked = re.findall(r'<li><a href="([^"]+)" aria-current="page"', page.text)
    assert marked == ([entry] if entry else [])


def test_first_tab_stop_skips_to_the_content(signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_menu_opens_and_closes_on_a_phone(signed_in: Callable[..., Page]) -> None:
    page = signed_in(phone=True)
    menu = page.get_by_role("navigation", name="Main")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(menu).to_be_visible()
    take_screenshot(page, "menu-phone", full_page=False)
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
