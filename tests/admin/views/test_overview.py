"""Overview: charts, live feed, cards, and what each role sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from app.accounts.models.accounts import User
from app.accounts.tokens import service as tokens
from app.admin.charts import build_chart
from app.einvoices.models.einvoices import Einvoice
from app.extensions import db
from app.kernel.database.daily_counts import count_per_day
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.sales.models.invoices import SalesInvoice
from app.webhooks.endpoints import service as endpoints
from app.webhooks.sender import circuit_breaker
from tests.admin import sample_data
from tests.admin.conftest import Opener, assert_accessible, check_page, sign_in, take_screenshot
from tests.webhooks.fixtures import MODULE


@pytest.mark.slow
def test_new_invoice_appears_in_feed_and_chart(signed_in: Callable[..., Page], relayed: Callable[[], int]) -> None:
    page = signed_in()
    expect(page.get_by_text("No events yet")).to_be_visible()
    expect(page.locator(".stream-state")).to_have_text("Live")
    number = sample_data.import_invoice()
    relayed()
    line = page.locator(".feed li")
    expect(line).to_contain_text(f"Sales invoice imported {number}")
    expect(page.get_by_text("No events yet")).to_be_hidden()
    expect(page.get_by_role("region", name="Sales invoices").locator("strong")).to_have_text("1")
    line.get_by_role("link").click()
    expect(page.get_by_role("heading", name=number)).to_be_visible()


def test_feed_shows_events_before_and_after_the_load(
    signed_in: Callable[..., Page], relayed: Callable[[], int]
) -> None:
    before = sample_data.import_invoice()
    relayed()
    page = signed_in()
    expect(page.locator(".stream-state")).to_have_text("Live")
    between = sample_data.import_invoice()
    relayed()
    expect(page.locator(".feed a")).to_have_text([between, before])


def test_feed_and_chart_show_only_own_einvoices(
    open_page: Opener, create_user: Callable[..., User], relayed: Callable[[], int]
) -> None:
    owner, other = (
        sample_data.enable_module(create_user("integrator")),
        sample_data.enable_module(create_user("integrator")),
    )
    sample_data.create_draft(owner)
    relayed()
    for user, count in ((owner, 1), (other, 0)):
        page = sign_in(open_page(), user)
        expect(page.locator(".feed li")).to_have_count(count)
        expect(page.get_by_role("region", name="E-invoices").locator("strong")).to_have_text(str(count))


def test_warehouse_sees_no_einvoices_and_no_settings(signed_in: Callable[..., Page]) -> None:
    page = signed_in("warehouse")
    menu = page.get_by_role("navigation", name="Main")
    shown = ["Overview", "Sales invoices", "Goods receipts", "Rolls", "Master data"]
    expect(menu.get_by_role("link")).to_have_text(shown)
    expect(page.get_by_role("region", name="E-invoices")).to_have_count(0)


def test_expiring_modules_and_tokens_are_shown(open_page: Opener, create_user: Callable[..., User]) -> None:
    user = sample_data.enable_module(create_user("integrator"))
    page = sign_in(open_page(), user)
    expect(page.get_by_text("Nothing needs attention.")).to_be_visible()
    sample_data.expire_modules_in(user, days=6)
    with unit_of_work():
        tokens.create(user, name="Shop", abilities=["einvoices:read"], days=30, actor="test")
    page.reload()
    entries = page.locator("#attention li")
    expect(entries).to_have_text([re.compile("API token ends: Shop"), re.compile("Module ends: E-invoice API")])


def test_webhook_endpoints_with_problems_are_shown(
    open_page: Opener, create_user: Callable[..., User], subscribe: Callable[..., Any], relayed: Callable[[], int]
) -> None:
    owner = sample_data.enable_module(create_user("integrator"))
    page = sign_in(open_page(), owner)
    card = page.get_by_role("region", name="Needs attention")
    endpoint = subscribe("http://127.0.0.1:9/", "*", user=owner, description="ERP")
    subscribe("http://127.0.0.1:9/", "*", description="Somebody else's")
    page.reload()
    expect(card).to_contain_text("Nothing needs attention.")
    for _ in range(3):
        sample_data.create_draft(owner)
    relayed()
    with db.engine.begin() as connection:
        late = """UPDATE webhook_deliveries SET due_at = due_at - interval '6 minutes'
            WHERE endpoint_id = :id AND sequence = 2"""
        tried = "UPDATE webhook_deliveries SET attempts = 1 WHERE endpoint_id = :id AND sequence = 3"
        failed = """UPDATE webhook_deliveries SET state = 'failed', finished_at = now()
            WHERE endpoint_id = :id AND sequence = 1"""
        for statement in (late, tried, failed):
            connection.execute(text(statement), {"id": endpoint.id})
    page.reload()
    expect(card).to_contain_text("Nothing needs attention.")  # without the module there is no access to webhooks
    sample_data.enable_module(owner, MODULE)
    page.reload()
    failed, late = "Failed webhook deliveries to ERP: 1", "Late webhook deliveries to ERP: 2"
    expect(card.get_by_role("link")).to_have_text([failed, late])
    assert_accessible(page)
    with unit_of_work():
        circuit_breaker.disable(endpoints.find_for_update(endpoint.id, None), "Moving.", actor="test")
    page.reload()
    expect(card.get_by_role("link")).to_have_text([failed, "Webhook endpoint is off: ERP", late])
    card.get_by_role("link", name=failed).click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_days_without_invoices_count_as_zero(app: Hub) -> None:
    for _ in range(3):
        sample_data.import_invoice()
    days = count_per_day(SalesInvoice.created_at, 7)
    assert [day.count for day in days] == [0, 0, 0, 0, 0, 0, 3]
    with app.test_request_context():
        chart = build_chart(days)
    assert (chart.today, chart.total) == (3, 3)
    assert [bar.height > 0 for bar in chart.bars] == [False] * 6 + [True]


@pytest.mark.drill
def test_overview_is_accessible(
    signed_in: Callable[..., Page],
    relayed: Callable[[], int],
    create_user: Callable[..., User],
    subscribe: Callable[..., Any],
) -> None:
    owner = sample_data.enable_module(create_user())
    for _ in range(9):
        sample_data.import_invoice()
    sample_data.receive_goods(100, 110.6)
    for _ in range(3):
        sample_data.issue_einvoice(owner)
    for table in ("sales_invoices", "e_invoices"):
        sample_data.spread_over_week(table)
    relayed()

    def opener(**options: bool) -> Page:
        page = signed_in(**options)
        sample_data.enable_module_of_newest_user()
        sample_data.enable_module_of_newest_user(MODULE)
        page.reload()
        return page

    subscribe("http://127.0.0.1:9/", "*", user=owner, description="ERP of the head office", enabled=False)
    sample_data.return_invoice()
    rejected = sample_data.issue_einvoice(owner)
    with unit_of_work():
        db.session.get_one(Einvoice, rejected.id).status = "rejected"
    check_page(opener, "overview", lambda page: expect(page.locator(".stream-state")).to_have_text("Live"))
    turkish = signed_in(language="tr")
    expect(turkish.get_by_role("heading", name="Genel bakış")).to_be_visible()
    take_screenshot(turkish, "overview-turkish")
