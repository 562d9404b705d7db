"""Page of modules: periods, banners, labels."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts import module_status, modules
from app.accounts.models.accounts import User
from app.admin.i18n.labels import is_known
from app.admin.lists.settings_tables import MODULES_OF_USERS
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from tests.admin.actions import call_with_token, confirm
from tests.admin.client import submit_form
from tests.admin.lists.test_list_view import cells
from tests.factories import a_token, a_user

SignedIn = Callable[..., Page]
MODULES, MODULE = "/admin/modules", "feature.einvoice_api"


def test_module_is_turned_on_renewed_and_turned_off(
    signed_in: SignedIn, anybody: FlaskClient, create_user: Callable[..., User]
) -> None:
    shop = create_user("integrator", name="Shop")
    with unit_of_work():
        _, plain = a_token(db.session.get(User, shop.id), abilities=["einvoices:read"])
    page = signed_in("admin")
    page.get_by_role("link", name="Modules").click()
    page.get_by_role("row", name="Shop").get_by_role("link").click()
    row = page.locator(".card", has_text="E-invoice API")
    assert call_with_token(anybody, plain, "/api/v1/einvoices") == 403
    row.get_by_role("button", name="Turn on").click()
    confirm(page, "Turn on")
    expect(row).to_contain_text(re.compile("36[56] days left"))
    assert call_with_token(anybody, plain, "/api/v1/einvoices") == 200
    row.get_by_role("button", name="Renew").click()
    page.get_by_role("dialog").get_by_label("Years").fill("2")
    confirm(page, "Renew")
    expect(row).to_contain_text(re.compile("109[56] days left"))
    row.get_by_role("button", name="Change period").click()
    ends = (clock.now() + timedelta(days=6)).date()
    page.get_by_role("dialog").get_by_label("Until").fill(ends.isoformat())
    confirm(page, "Change period")
    expect(row).to_contain_text("6 days left")
    row.get_by_role("button", name="Turn off").click()
    confirm(page, "Turn off")
    expect(row).to_contain_text("Off")
    assert call_with_token(anybody, plain, "/api/v1/einvoices") == 403


@pytest.mark.parametrize(
    ("days", "message"), [(31, ""), (7, "The module E-invoice API expires in 7 days."), (0, "has expired")]
)
def test_banner_warns_before_and_after_the_end_of_a_module(
    signed_in_client: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch, days: int, message: str
) -> None:
    with unit_of_work():
        user = a_user(role="integrator")
        grant = modules.enable(user, MODULE, actor="test")
    monkeypatch.setattr(clock, "now", lambda: grant.ends_at - timedelta(days=days))
    page = signed_in_client(user).get("/admin/account").text
    assert ("E-invoice API" in page) is bool(message)
    assert message in page


def test_period_that_ends_before_its_start_is_refused(admin_client: FlaskClient) -> None:
    path, page = f"{MODULES}/1/{MODULE}", f"{MODULES}/1"
    submit_form(admin_client, f"{path}/period", page=page, starts="2026-02-02", ends="2026-02-01")
    assert "after the start" in admin_client.get(page).text
    assert submit_form(admin_client, f"{MODULES}/1/feature.tea/renew", page=MODULES, years="1").status_code == 303
    assert submit_form(admin_client, f"{MODULES}/9/{MODULE}/renew", page=MODULES, years="1").status_code == 404
    assert {status.state for status in module_status.status_of(1)} == {"off"}


def test_the_list_shows_the_modules_of_each_user(signed_in_client: Callable[..., FlaskClient]) -> None:
    with unit_of_work():
        modules.enable(a_user(role="integrator", name="Shop"), MODULE, actor="test")
    client = signed_in_client("admin")
    text = client.get(f"{MODULES}?search=shop").text
    assert (
        "On 365 days left" in cells(text, "E-invoice API")[0] or "On 366 days left" in cells(text, "E-invoice API")[0]
    )
    assert cells(text, "Webhooks") == ["Off"]
    [_, line] = client.get(f"{MODULES}?search=shop&format=csv").text.splitlines()
    assert line.startswith("Shop,")
    assert ",off," in line
    assert signed_in_client("integrator").get(f"{MODULES}/1").status_code == 403
    assert client.get(f"{MODULES}/99").status_code == 404


def test_every_module_has_a_name_and_a_column() -> None:
    assert all(is_known(name) for name in modules.MODULES)
    columns = [f"feature.{column.name}" for column in MODULES_OF_USERS.columns]
    assert [name for name in columns if name in modules.MODULES] == list(modules.MODULES)
