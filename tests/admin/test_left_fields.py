"""Forms on Back: they have what was typed, unless it was accepted or somebody else changed the object meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.grn import demo, masters
from app.grn.schemas.masters import FabricSchema
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data


@pytest.fixture
def page(signed_in: Callable[..., Page]) -> Page:
    with unit_of_work():
        demo.make_demo()
    return signed_in("warehouse")


def leave_and_go_back(page: Page) -> None:
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.go_back()


def test_what_was_typed_is_there_with_its_lines(page: Page) -> None:
    page.goto("/admin/masters/fabrics/new")
    page.get_by_label("Name").fill("Silk")
    page.get_by_role("button", name="Add a line").click()
    page.get_by_label("Colour *").nth(1).fill("Red")
    leave_and_go_back(page)
    expect(page.get_by_label("Name")).to_have_value("Silk")
    expect(page.get_by_label("Colour *").nth(1)).to_have_value("Red")
    page.get_by_label("Colour *").nth(0).fill("Blue")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("“Silk” is stored.")
    page.go_back()  # it was accepted
    expect(page.get_by_label("Name")).to_have_value("")


def test_a_refused_form_is_filled_in_on_back(page: Page) -> None:
    page.goto("/admin/masters/fabrics/new")
    page.get_by_label("Code", exact=True).fill("C-1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field-error").first).to_be_visible()
    page.go_back()
    expect(page.locator(".field-error")).to_have_count(0)
    expect(page.get_by_label("Code", exact=True)).to_have_value("C-1")


def test_nothing_hides_a_change_of_somebody_else(page: Page) -> None:
    page.goto("/admin/masters/fabrics/1")
    page.get_by_label("Composition").fill("Linen")
    with unit_of_work():
        fabric = {"name": "Cotton twill", "code": "TW-145", "composition": "Wool", "colorList": []}
        masters.change(masters.FABRICS, 1, sample_data.load(FabricSchema(), fabric), actor="somebody else")
    leave_and_go_back(page)
    expect(page.get_by_label("Composition")).to_have_value("Wool")


def test_nothing_stays_after_the_sign_out(page: Page) -> None:
    page.goto("/admin/masters/fabrics/new")
    page.get_by_label("Name").fill("Silk")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.evaluate("Object.keys(sessionStorage).filter(key => key.startsWith('left:'))") == []
