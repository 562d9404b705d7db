"""Page of API calls: filters and access."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.admin.actions import call_api, call_with_token
from tests.factories import a_token

SignedIn = Callable[..., Page]
LOGS = "/admin/settings/api/logs"


def test_calls_are_found_by_filters(signed_in: SignedIn, anybody: FlaskClient, erp: FlaskClient) -> None:
    page = signed_in("admin")
    with unit_of_work():
        _, plain = a_token(db.session.query(User).one(), name="Shop", abilities=["grn:read"])
    assert call_with_token(anybody, plain) == 200
    assert call_with_token(anybody, plain, "/api/v1/events") == 403
    assert call_api(erp, "/api/sales/invoices/") == 200
    page.get_by_role("link", name="API calls").click()
    rows = page.get_by_role("table").get_by_role("row")
    accepted, refused = rows.filter(has_text="/api/invoices"), rows.filter(has_text="/api/v1/events")
    expect(accepted).to_contain_text("Shop")
    expect(refused).to_contain_text("403")
    page.locator(".filters").get_by_label("Path begins with").fill("/api/v1/events")
    expect(rows).to_have_count(2)
    expect(refused).to_be_visible()
    assert "path=%2Fapi%2Fv1%2Fevents" in page.url
    page.locator(".filters").get_by_label("Path begins with").fill("")
    expect(accepted).to_be_visible()
    page.locator(".filters").get_by_label("Status").select_option("2xx")
    expect(refused).to_have_count(0)
    expect(accepted).to_be_visible()
    page.locator(".filters").get_by_label("Caller").fill("api_key:env")
    page.locator(".filters").get_by_label("Caller").press("Enter")
    expect(page.get_by_text("No calls found")).to_be_visible()


def test_only_an_administrator_sees_calls_of_others(
    signed_in_client: Callable[..., FlaskClient], erp: FlaskClient
) -> None:
    call_api(erp, "/api/sales/invoices/")
    pages = [signed_in_client(role).get(LOGS).text for role in ("admin", "integrator")]
    assert ["/api/sales/invoices/" in page for page in pages] == [True, False]


def test_invalid_filter_is_reported(admin_client: FlaskClient) -> None:
    answer = admin_client.get(f"{LOGS}?since=yesterday&status=4xx")
    assert answer.status_code == 200
    assert "since:" in answer.text
    assert admin_client.get(f"{LOGS}?after=x").status_code == 422
