"""Pages of provider accounts: from creation to archive, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.einvoices import sellers
from app.einvoices.lifecycle import issue
from app.einvoices.provider_accounts import directory
from app.kernel.unit_of_work import unit_of_work
from tests.admin.actions import confirm, visit
from tests.admin.conftest import Opener, check_page, sign_in
from tests.admin.sample_data import create_draft, enable_module, make_seller
from tests.einvoices.providers.provider_server import StoringProvider, running_store

LIST = "/admin/settings/provider-accounts"


@pytest.fixture
def store() -> Iterator[StoringProvider]:
    with running_store() as provider:
        yield provider


@pytest.fixture
def admin_user(create_user: Callable[..., User]) -> User:
    return enable_module(create_user("admin"))


@pytest.fixture
def admin_page(open_page: Opener, admin_user: User) -> Page:
    return sign_in(open_page(), admin_user)


def fill(page: Page, store: StoringProvider, url: str) -> None:
    page.get_by_label("Name").fill("Main provider")
    page.get_by_label("Adapter").select_option("http")
    page.get_by_label("Address to send to").fill(url)
    page.get_by_label("Address of the look-up").fill(f"{store.url}/find")
    page.get_by_label("Token of the provider").fill("hush-hush")
    page.get_by_label("Allowed networks").fill(f"127.0.0.0/8 {store.server_port}")
    page.get_by_label("Default for new drafts").check()


@pytest.mark.slow
def test_an_account_is_created_tested_changed_and_archived(
    admin_page: Page, admin_user: User, store: StoringProvider
) -> None:
    admin_page.goto(LIST)
    expect(admin_page.get_by_text("No accounts yet")).to_be_visible()
    admin_page.get_by_role("link", name="New account").click()
    fill(admin_page, store, "")
    admin_page.get_by_role("button", name="Create account").click()
    expect(admin_page.get_by_text("This adapter needs the address to send to.")).to_be_visible()
    fill(admin_page, store, f"{store.url}/take")
    admin_page.get_by_role("button", name="Create account").click()
    secret = admin_page.get_by_label("Secret").input_value()
    assert secret.startswith("whsec_")
    admin_page.get_by_role("link", name="I have copied it").click()
    expect(admin_page.get_by_text("Test the connection first.")).to_be_visible()
    assert secret not in admin_page.content()
    assert "hush" not in admin_page.content()
    store.lookup_code = 403
    admin_page.get_by_role("button", name="Test the connection").click()
    expect(admin_page.get_by_text("The connection test failed: The provider answered 403.")).to_be_visible()
    store.lookup_code = None
    admin_page.get_by_role("button", name="Test the connection").click()
    expect(admin_page.locator("#facts").get_by_text("Ready")).to_be_visible()
    admin_page.get_by_role("button", name="Delete the token").click()
    confirm(admin_page, "Delete the token")
    expect(admin_page.get_by_text("The token is deleted.")).to_be_visible()
    expect(admin_page.get_by_role("button", name="Delete the token")).to_have_count(0)
    expect(admin_page.get_by_text("Test the connection first.")).to_be_visible()
    admin_page.get_by_role("link", name="Change").click()
    expect(admin_page.get_by_label("Words of the provider")).to_have_value("accepted = accepted\nrejected = rejected")
    admin_page.get_by_label("Requests per minute").fill("600")
    admin_page.get_by_role("button", name="Save").click()
    expect(admin_page.locator("#facts").get_by_text("600")).to_be_visible()
    draft = create_draft(admin_user)
    visit(admin_page, f"/admin/einvoices/{draft.id}")
    expect(admin_page.locator("#facts").get_by_text("Main provider")).to_be_visible()
    make_seller(admin_user)
    with unit_of_work():
        issue.issue(draft.id, None, "test")
    admin_page.goto(LIST)
    admin_page.get_by_role("link", name="Main provider").click()
    admin_page.get_by_role("button", name="Archive").click()
    confirm(admin_page, "Archive")
    expect(admin_page.get_by_text("Account archived.")).to_be_visible()
    expect(admin_page.get_by_text("No accounts yet")).to_be_visible()


def test_the_legal_format_of_the_seller_is_offered_and_can_be_taken_away(admin_page: Page, admin_user: User) -> None:
    make_seller(admin_user)
    with unit_of_work():
        sellers.save(admin_user.id, actor="test", legal_profiles=["peppol"])
    visit(admin_page, f"{LIST}/new")
    expect(admin_page.get_by_label("Legal document")).to_have_value("ubl")
    admin_page.get_by_label("Name").fill("Main provider")
    admin_page.get_by_label("Adapter").select_option("simulator")
    admin_page.get_by_label("Legal document").select_option("ubl-tr")
    admin_page.get_by_role("button", name="Create account").click()
    admin_page.get_by_role("link", name="I have copied it").click()
    expect(admin_page.locator("#facts").get_by_text("UBL-TR (e-Fatura, e-Arşiv)")).to_be_visible()
    admin_page.get_by_role("link", name="Change").click()
    expect(admin_page.get_by_label("Legal document")).to_have_value("ubl-tr")
    admin_page.get_by_label("Legal document").select_option("")
    admin_page.get_by_role("button", name="Save").click()
    expect(admin_page.locator("#facts").get_by_text("UBL-TR")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_pages_fit_and_are_accessible(
    open_page: Opener, admin_user: User, store: StoringProvider, language: str
) -> None:
    data: dict[str, Any] = {"name": "Main provider", "adapter": "http", "mode": "live", "url": "https://8.8.8.8/e"}
    data["document_format"] = "ubl-tr"
    with unit_of_work():
        facts = {**data, "mapping": {"kabul": "accepted", "red": "rejected"}, "is_default": True}
        made = directory.create(facts, admin_user.id, actor="test", may_allow=True)
    for name, path in {"list": LIST, "form": f"{LIST}/new", "show": f"{LIST}/{made.account.id}"}.items():

        def open_it(page: Page, path: str = path) -> None:
            sign_in(page, admin_user)
            visit(page, path)

        opener = partial(open_page, language=language)
        check_page(opener, f"provider-accounts-{name}-{language}", open_it)
