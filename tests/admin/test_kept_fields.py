"""Dialogs after a refusal: they are open again, have what was typed, and each error is beside its field."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import expect

from app.accounts.models.accounts import User
from app.einvoices.models.work import EinvoiceSending
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.client import submit_form
from tests.admin.conftest import Opener, assert_accessible, assert_fits, sign_in, take_screenshot


@pytest.fixture
def owner(create_user: Callable[..., User]) -> User:
    return sample_data.enable_module(create_user("integrator"))


def test_a_refused_credit_keeps_reason_and_quantities(open_page: Opener, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    page = sign_in(open_page(), owner)
    page.goto(f"/admin/einvoices/{einvoice.id}")
    page.get_by_role("button", name="Credit note…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Two were “torn” <b>")
    dialog.get_by_label("Quantity of Tişört").fill("99")
    dialog.get_by_role("button", name="Credit note").click()
    expect(dialog.locator(".field-error")).to_contain_text("can still be given back")
    expect(dialog.get_by_label("Quantity of Tişört")).to_be_focused()
    expect(dialog.get_by_label("Reason")).to_have_value("Two were “torn” <b>")
    expect(dialog.get_by_label("Quantity of Tişört")).to_have_value("99")
    assert_accessible(page)
    assert_fits(page, "kept-credit")
    take_screenshot(page, "kept-credit")
    dialog.get_by_label("Quantity of Tişört").fill("1")
    dialog.get_by_role("button", name="Credit note").click()
    expect(page.get_by_text("Draft created.")).to_be_visible()
    page.goto(f"/admin/einvoices/{einvoice.id}")  # nothing is kept any more
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("sessionStorage.getItem('typed')") is None


def test_an_error_is_beside_its_field(open_page: Opener, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    with unit_of_work():
        row = EinvoiceSending(einvoice_id=einvoice.id, provider="http", key="0" * 32, state="failed", in_doubt=True)
        db.session.add(row)
    page = sign_in(open_page(phone=True, dark=True, language="tr"), owner)
    page.goto(f"/admin/einvoices/{einvoice.id}")
    page.locator("[commandfor=dialog-doubt]").first.click()
    dialog = page.locator("#dialog-doubt")
    dialog.locator("[name=taken][value=false]").check()
    dialog.locator("[name=reason]").fill("   ")
    dialog.locator("[type=submit]").click()
    field = dialog.locator("[name=reason]")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(dialog.locator("#error-of-reason")).to_be_visible()
    expect(dialog.locator("[name=taken][value=false]")).to_be_checked()
    assert_accessible(page)
    assert_fits(page, "kept-doubt")
    take_screenshot(page, "kept-doubt", full_page=False)


def test_the_page_names_the_errors_by_field(signed_in_client: Callable[..., FlaskClient], owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    client, url = signed_in_client(owner), f"/admin/einvoices/{einvoice.id}"
    submit_form(client, f"{url}/cancel", page=url, reason=" ")
    page = client.get(url).text
    assert 'data-refused="{&#34;reason&#34;:' in page
    assert 'class="notice error"' in page
    assert "data-refused" not in client.get(url).text
