"""Forms on Back and in two tabs: what was typed stays, unless it was accepted or somebody else changed the object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from app.accounts.models.accounts import User
from app.einvoices.queries import lookup
from app.grn import demo, masters
from app.grn.schemas.masters import FabricSchema
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.conftest import Opener, sign_in
from tests.factories import an_item


@pytest.fixture
def page(signed_in: Callable[..., Page]) -> Page:
    with unit_of_work():
        demo.make_demo()
    return signed_in("warehouse")


@pytest.fixture
def owner(create_user: Callable[..., User]) -> User:
    user = sample_data.enable_module(create_user("integrator"))
    sample_data.make_seller(user)
    return user


def leave_and_go_back(page: Page) -> None:
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.go_back()


def values_of(page: Page, *names: str) -> Any:
    """The values of each line of the table, by the names of its inputs; None where a line has no such input."""
    script = "(rows, names) => rows.map(row => names.map(name => row.querySelector(`[name=${name}]`)?.value))"
    return page.locator("form.desk tbody tr").evaluate_all(script, list(names))


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


class TestLines:
    """Tables to which lines are added and from which lines are removed."""

    def test_removed_lines_of_an_invoice_stay_removed(self, signed_in: Callable[..., Page]) -> None:
        items = [an_item(item_code=code, quantity=20) for code in ("A", "B", "C")]
        invoice = sample_data.return_invoice(items=items)
        page = signed_in("billing")
        page.goto(f"/admin/sales/review/{invoice.id}")
        page.get_by_label("Remove the line").first.click()
        page.get_by_label("Quantity").first.fill("7")
        page.get_by_role("button", name="Add a line").click()
        page.get_by_label("Name of the item").fill("New")
        leave_and_go_back(page)
        columns = ("line_no", "quantity", "name")
        assert values_of(page, *columns) == [["2", "7", None], ["3", "20", None], ["", "", "New"]]
        page.get_by_role("button", name="Save and next").click()
        expect(page.locator(".field-error").first).to_be_visible()
        page.get_by_label("Quantity").nth(1).fill("8")
        page.go_back()
        expect(page.locator(".field-error")).to_have_count(0)
        assert values_of(page, *columns) == [["2", "7", None], ["3", "8", None], ["", "", "New"]]

    def test_a_removed_line_of_a_draft_is_not_there_again(self, open_page: Opener, owner: User) -> None:
        """The lines of a draft have no number: the last one must not be there twice."""
        lines = [{"name": name, "quantity": 1, "unit_price": 1, "vat_rate": 20} for name in "ABC"]
        draft = sample_data.create_draft(owner, items=lines)
        page = sign_in(open_page(), owner)
        page.goto(f"/admin/einvoices/{draft.id}/edit")
        page.get_by_label("Remove the line").first.click()
        page.get_by_label("Price").first.fill("22")
        leave_and_go_back(page)
        assert values_of(page, "name", "unit_price") == [["B", "22"], ["C", "1.00"]]
        expect(page.locator("[data-sum=net]")).to_have_text("23.00")
        page.get_by_role("button", name="Save draft").click()
        expect(page.get_by_role("status").first).to_contain_text("Saved.")
        assert [item.name for item in lookup.find(draft.id, None, items=True).items] == ["B", "C"]

    def test_fabric_items_are_there_after_back_and_reload(self, page: Page) -> None:
        page.goto("/admin/receipts/new")
        page.get_by_label("Invoice number").fill("X-1")
        page.get_by_label("Colour *").fill("Red")
        page.get_by_role("button", name="Add a fabric item").click()
        page.get_by_label("Colour *").nth(1).fill("Blue")
        leave_and_go_back(page)
        page.get_by_role("button", name="Save the receipt").click()
        expect(page.locator(".field-error").first).to_be_visible()
        for _ in range(2):
            page.reload()
            expect(page.get_by_label("Colour *").nth(1)).to_have_value("Blue")
        page.get_by_role("button", name="Remove fabric item 1").click()
        expect(page.get_by_label("Colour *")).to_have_count(1)
        page.go_back()
        expect(page.get_by_label("Colour *").nth(0)).to_have_value("Red")
        expect(page.get_by_label("Invoice number")).to_have_value("X-1")


def test_back_after_two_refusals_asks_nothing(page: Page) -> None:
    """The browser would ask whether to send the form again, instead of showing it."""
    page.goto("/admin/masters/fabrics/new")
    page.get_by_label("Code", exact=True).fill("C-1")
    for _ in range(2):
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".field-error").first).to_be_visible()
        page.get_by_label("Composition").fill("Linen")
    for _ in range(2):
        page.go_back()
        expect(page.get_by_label("Code", exact=True)).to_have_value("C-1")
        expect(page.get_by_label("Composition")).to_have_value("Linen")


def test_the_second_tab_says_that_the_first_has_saved(open_page: Opener, owner: User) -> None:
    draft = sample_data.create_draft(owner)
    first = sign_in(open_page(), owner)
    second = first.context.new_page()
    for tab in (first, second):
        tab.goto(f"/admin/einvoices/{draft.id}/edit")
    first.get_by_label("Notes").fill("First")
    first.get_by_role("button", name="Save draft").click()
    expect(first.get_by_role("status").first).to_contain_text("Saved.")
    second.get_by_label("Notes").fill("Second")
    second.get_by_role("button", name="Save draft").click()
    expect(second.get_by_role("alert")).to_contain_text("The draft was changed after you opened it")
    with second.expect_popup() as popup:
        second.get_by_role("link", name="Open the newer version in a new tab").click()
    expect(popup.value.get_by_label("Notes")).to_have_value("First")
    expect(second.get_by_label("Notes")).to_have_value("Second")
    second.get_by_role("button", name="Replace the newer version").click()
    expect(second.get_by_role("status").first).to_contain_text("Saved.")
    assert lookup.find(draft.id, None).notes == "Second"


def test_a_page_with_a_secret_is_not_sent_again(open_page: Opener, owner: User) -> None:
    page = sign_in(open_page(), sample_data.enable_module(owner, "feature.einvoice_webhooks"))
    page.goto("/admin/settings/webhooks/new")
    page.get_by_label("URL").fill("https://8.8.8.8/hook")
    page.locator("[name=events]").first.check()
    page.locator("main form button[type=submit]").click()
    expect(page.locator("#secret")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("https://8.8.8.8/hook")
    expect(page.locator("#secret")).to_have_count(0)


def test_a_form_that_was_stopped_is_sent_again(page: Page) -> None:
    """A second click while the first one waits for its answer does nothing; after Escape it does."""
    page.goto("/admin/masters/fabrics/new")
    page.get_by_label("Name").fill("Silk")
    sent: list[str] = []

    def stop(route: Route) -> None:
        sent.append(route.request.method)
        route.abort("aborted")

    page.route("**/fabrics/new", stop)
    page.get_by_role("button", name="Save").dblclick()
    page.get_by_role("button", name="Save").click()
    assert sent == ["POST"]
    page.unroute("**/fabrics/new")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("“Silk” is stored.")
