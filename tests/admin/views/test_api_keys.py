"""Pages of import keys: creation, rotation, IP allowlist, revocation."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.accounts.credentials import api_keys
from app.accounts.models.accounts import ApiKey
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.admin.actions import call_api, confirm, copy_text
from tests.admin.client import submit_form

SignedIn = Callable[..., Page]
KEYS = "/admin/settings/keys"


def test_key_is_created_rotated_restricted_and_revoked(signed_in: SignedIn, anybody: FlaskClient) -> None:
    page = signed_in("admin")
    page.get_by_role("link", name="Import keys").click()
    page.get_by_role("link", name="Create a key").click()
    page.get_by_label("Name").fill("ERP")
    page.get_by_role("button", name="Create key").click()
    old = copy_text(page, "Key")
    path = "/api/sales/invoices/"
    assert call_api(anybody, path, **{"X-API-KEY": old}) == 200
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("button", name="Rotate").click()
    page.get_by_role("dialog").get_by_label("Old secret stays valid for").select_option("0")
    confirm(page, "Rotate")
    new = page.get_by_label("Key").input_value()
    assert [call_api(anybody, path, **{"X-API-KEY": key}) for key in (old, new)] == [401, 200]
    page.goto(KEYS)
    row = page.get_by_role("row", name="all addresses").filter(has_text="Valid")
    row.get_by_role("button", name="Allowed IP addresses").click()
    page.get_by_role("dialog").get_by_label("Allowed IP addresses").fill("192.0.2.0/24")
    confirm(page, "Allowed IP addresses")
    expect(page.get_by_role("row", name="192.0.2.0/24")).to_be_visible()
    assert call_api(anybody, path, **{"X-API-KEY": new}) == 403
    page.get_by_role("button", name="Revoke").click()
    confirm(page, "Revoke")
    expect(page.get_by_role("row", name="192.0.2.0/24")).to_contain_text("Revoked")
    assert call_api(anybody, path, **{"X-API-KEY": new}) == 401
    assert len(db.session.scalars(select(ApiKey)).all()) == 2


def test_invalid_ip_address_is_refused(admin_client: FlaskClient) -> None:
    with unit_of_work():
        api_keys.create(name="ERP", actor="test")
    submit_form(admin_client, f"{KEYS}/1/allowlist", page=KEYS, allowlist="x")
    assert "x is neither an address nor a network." in admin_client.get(KEYS).text
