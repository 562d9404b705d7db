"""The overview: what came in, counted and drawn; what happens, as it happens; what a role may see of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from app.accounts.models.accounts import User
from app.accounts.tokens import service as tokens
from app.admin.charts import chart_of
from app.extensions import db
from app.kernel.daily_counts import count_per_day
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.sales.models.invoices import SalesInvoice
from app.webhooks.endpoints import service as endpoints
from app.webhooks.sender import circuit_breaker
from tests.admin import scenes
from tests.admin.conftest import Opener, assert_accessible, looked_at, shoot, sign_in
from tests.webhooks.fixtures import MODULE


@pytest.mark.main_job
def test_what_comes_in_shows_at_once_and_is_counted(signed_in: Callable[..., Page], relayed: Callable[[], int]) -> None:
    page = signed_in()
    expect(page.get_by_text("Nothing has happened yet")).to_be_visible()
    expect(page.locator(".pulse")).to_have_text("Live")
    number = scenes.imported()
    relayed()
    line = page.locator(".feed li")
    expect(line).to_contain_text(f"Sales invoice imported {number}")
    expect(page.get_by_text("Nothing has happened yet")).to_be_hidden()
    expect(page.get_by_role("region", name="Sales invoices").locator("strong")).to_have_text("1")
    line.get_by_role("link").click()
    expect(page.get_by_role("heading", name=number)).to_be_visible()


def test_the_feed_begins_with_what_happened_before(signed_in: Callable[..., Page], relayed: Callable[[], int]) -> None:
    before = scenes.imported()
    relayed()
    page = signed_in()
    expect(page.locator(".pulse")).to_have_text("Live")
    between = scenes.imported()
    relayed()
    expect(page.locator(".feed a")).to_have_text([between, before])


def test_everybodys_e_invoices_are_not_everybodys_to_see(
    open_page: Opener, person: Callable[..., User], relayed: Callable[[], int]
) -> None:
    owner, other = scenes.with_module(person("integrator")), scenes.with_module(person("integrator"))
    scenes.drafted(owner)
    relayed()
    for user, lines in ((owner, 1), (other, 0)):
        page = sign_in(open_page(), user)
        expect(page.locator(".feed li")).to_have_count(lines)
        expect(page.get_by_role("region", name="E-invoices").locator("strong")).to_have_text(str(lines))


def test_a_warehouse_sees_no_e_invoices_and_no_settings(signed_in: Callable[..., Page]) -> None:
    page = signed_in("warehouse")
    menu = page.get_by_role("navigation", name="Main")
    expect(menu.get_by_role("link")).to_have_text(["Overview", "Sales invoices", "Goods receipts"])
    expect(page.get_by_role("region", name="E-invoices")).to_have_count(0)


def test_a_module_that_ends_is_told(open_page: Opener, person: Callable[..., User]) -> None:
    user = scenes.with_module(person("integrator"))
    page = sign_in(open_page(), user)
    expect(page.get_by_text("About to end")).to_have_count(0)
    scenes.end_modules_in(user, days=6)
    with unit_of_work():
        tokens.create(user, name="Shop", abilities=["einvoices:read"], days=30, actor="test")
    page.reload()
    expect(page.locator("#endings li")).to_have_text(
        [re.compile("feature.einvoice_api 6 days left"), re.compile("Shop .* 30 days left")]
    )


def test_webhooks_that_need_somebody_are_told(
    open_page: Opener, person: Callable[..., User], subscribe: Callable[..., Any], relayed: Callable[[], int]
) -> None:
    owner = scenes.with_module(person("integrator"))
    page = sign_in(open_page(), owner)
    card = page.get_by_role("region", name="Webhooks")
    expect(card).to_have_count(0)  # without the module its pages are shut
    scenes.with_module(owner, MODULE)
    page.reload()
    expect(card).to_contain_text("Nobody is told yet")
    at = subscribe("http://127.0.0.1:9/", "*", user=owner, description="ERP")
    subscribe("http://127.0.0.1:9/", "*", description="Somebody else's")
    page.reload()
    expect(card).to_contain_text("Everything arrives.")
    for _ in range(3):
        scenes.drafted(owner)
    relayed()
    with db.engine.begin() as connection:
        late = """UPDATE webhook_deliveries SET due_at = due_at - interval '6 minutes'
            WHERE endpoint_id = :id AND sequence = 2"""
        tried = "UPDATE webhook_deliveries SET attempts = 1 WHERE endpoint_id = :id AND sequence = 3"
        failed = """UPDATE webhook_deliveries SET state = 'failed', finished_at = now()
            WHERE endpoint_id = :id AND sequence = 1"""
        for statement in (late, tried, failed):
            connection.execute(text(statement), {"id": at.id})
    page.reload()
    expect(card.locator("li")).to_have_text(re.compile(r"ERP\s+1 failed\s*2 late"))
    assert_accessible(page)
    with unit_of_work():
        circuit_breaker.disable(endpoints.find_for_update(at.id, None), "Moving.", actor="test")
    page.reload()
    expect(card.locator("li")).to_contain_text("Off")
    card.get_by_role("link", name="1 failed").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_days_without_anything_are_counted_too(app: Hub) -> None:
    for _ in range(3):
        scenes.imported()
    days = count_per_day(SalesInvoice.created_at, 7)
    assert [day.count for day in days] == [0, 0, 0, 0, 0, 0, 3]
    with app.test_request_context():
        chart = chart_of(days)
    assert (chart.today, chart.total) == (3, 3)
    assert [bar.height > 0 for bar in chart.bars] == [False] * 6 + [True]


@pytest.mark.drill
def test_the_overview_can_be_read_and_used_by_everybody(
    signed_in: Callable[..., Page],
    relayed: Callable[[], int],
    person: Callable[..., User],
    subscribe: Callable[..., Any],
) -> None:
    owner = scenes.with_module(person())
    for _ in range(9):
        scenes.imported()
    scenes.received(100, 110.6)
    for _ in range(3):
        scenes.issued(owner)
    for table in ("sales_invoices", "e_invoices"):
        scenes.spread_over_the_week(table)
    relayed()

    def opener(**how: bool) -> Page:
        page = signed_in(**how)
        scenes.with_newest_module()
        scenes.with_newest_module(MODULE)
        page.reload()
        return page

    subscribe("http://127.0.0.1:9/", "*", user=owner, description="ERP of the head office", enabled=False)
    looked_at(opener, "overview", lambda page: expect(page.locator(".pulse")).to_have_text("Live"))
    turkish = signed_in(language="tr")
    expect(turkish.get_by_role("heading", name="Genel bakış")).to_be_visible()
    shoot(turkish, "overview-turkish")
