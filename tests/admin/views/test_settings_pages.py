"""All settings pages: Turkish, access, accessibility, pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts import modules
from app.accounts.credentials import api_keys
from app.accounts.tokens import service as tokens
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from tests.admin.actions import call_api, call_with_token, visitor
from tests.admin.conftest import assert_accessible, assert_fits, assert_fits_on_tablet, take_screenshot
from tests.factories import a_token, a_user

SignedIn = Callable[..., Page]
TOKENS, LOGS, KEYS = "/admin/settings/api", "/admin/settings/api/logs", "/admin/settings/keys"
USERS, MODULES, SELLER = "/admin/users", "/admin/modules", "/admin/settings/seller"
AUDIT, EVIDENCE = "/admin/audit", "/admin/settings/evidence"


def test_settings_are_translated_to_turkish(signed_in: SignedIn) -> None:
    page = signed_in("admin", language="tr")
    for path in (
        TOKENS,
        f"{TOKENS}/new",
        LOGS,
        AUDIT,
        EVIDENCE,
        KEYS,
        f"{KEYS}/new",
        USERS,
        f"{USERS}/new",
        MODULES,
        SELLER,
    ):
        page.goto(path)
        expect(page.locator("html")).to_have_attribute("lang", "tr")
        english = page.locator("main").get_by_text(re.compile(r"\b(the|Create|Name|Status|Save|Last)\b"))
        expect(english).to_have_count(0)


def test_warehouse_has_no_access_to_settings(signed_in: SignedIn) -> None:
    page = signed_in("warehouse")
    expect(page.get_by_role("link", name="API tokens")).to_have_count(0)
    for path in (TOKENS, LOGS, AUDIT, EVIDENCE, KEYS, USERS, MODULES, SELLER):
        answer = page.goto(path)
        assert answer
        assert answer.status == 403, path


def create_settings(anybody: FlaskClient, erp: FlaskClient) -> None:
    """Create entries for every settings page, some with long names."""
    with unit_of_work():
        user = a_user(role="admin", name="Çağrı Şimşek-Yılmazoğlu", email="cagri.simsek-yilmazoglu@office.example")
        a_user(role="integrator", name="Web shop", is_active=False)
        modules.enable(user, "feature.einvoice_api", actor="test")
        now = clock.now()
        near = {"starts_at": now - timedelta(days=360), "ends_at": now + timedelta(days=5)}
        modules.set_period(user, "feature.einvoice_webhooks", **near, actor="test")
        _, plain = a_token(user, name="Accountant of the head office", days=30, allowlist=["127.0.0.0/8", "192.0.2.7"])
        revoked, _ = a_token(user, name="Old web shop")
        tokens.revoke(revoked.id, scope=None, actor="test")
        api_keys.create(name="ERP of the head office", actor="test", allowlist=["10.1.0.0/16", "2001:db8::/32"])
        api_keys.create(name="ERP of the warehouse", actor="test", lifetime=timedelta(days=20))
    for path in ("/api/invoices", "/api/v1/einvoices", "/api/invoices/7", "/api/invoices?pageSize=-1"):
        call_with_token(anybody, plain, path)
    call_api(erp, "/api/sales/invoices/")


def fill_token_form(page: Page) -> None:
    visitor(f"{TOKENS}/new")(page)
    page.get_by_label("Name").fill("Web shop of the company")
    page.get_by_label("grn:read").check()


def create_token(page: Page) -> None:
    page.locator("button[type=submit]", has_text="Create token").click()
    page.wait_for_selector("#secret")


def open_rotation_dialog(page: Page) -> None:
    visitor(TOKENS)(page)
    page.get_by_role("button", name="Rotate").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


#: Name of the picture -> function that opens what it shows.
VIEWS = {
    "token-new": fill_token_form,
    "token-made": create_token,
    "tokens": visitor(TOKENS),
    "token-rotate": open_rotation_dialog,
    "calls": visitor(LOGS),
    "audit": visitor(AUDIT),
    "evidence": visitor(EVIDENCE),
    "keys": visitor(KEYS),
    "key-new": visitor(f"{KEYS}/new"),
    "users": visitor(USERS),
    "user-new": visitor(f"{USERS}/new"),
    "modules": visitor(MODULES),
    "modules-user": visitor(f"{MODULES}/1"),
    "seller": visitor(SELLER),
}


@pytest.mark.drill
@pytest.mark.parametrize("style", [{}, {"dark": True}, {"phone": True}], ids=["light", "dark", "phone"])
def test_settings_pages_are_accessible(
    signed_in: SignedIn, anybody: FlaskClient, erp: FlaskClient, style: dict[str, bool]
) -> None:
    create_settings(anybody, erp)
    page = signed_in("admin", **style)
    for name, visit in VIEWS.items():
        visit(page)
        assert_accessible(page)
        assert_fits(page, name)
        take_screenshot(page, f"{name}-{next(iter(style), 'light')}")
        if not style:
            assert_fits_on_tablet(page, name)
