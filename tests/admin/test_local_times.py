"""Times and numbers of the pages: in the time zone and the region of the viewer."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from app.accounts import users
from app.accounts.models.accounts import User
from app.admin.i18n import formats
from app.admin.list_query import parse_filters
from app.admin.local_times import input_value, with_offset
from app.extensions import db
from app.kernel import clock, time_zones
from app.kernel.database.daily_counts import count_per_day
from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.schemas.period_filters import PeriodFilters
from app.kernel.unit_of_work import unit_of_work
from app.sales.models.invoices import SalesInvoice
from app.webhooks.schemas.deliveries import DeliveryQuery
from tests.admin import sample_data

EVENING = datetime(2026, 1, 2, 20, 5, tzinfo=UTC)
KOLKATA, ISTANBUL = "Asia/Kolkata", "Europe/Istanbul"


def shown(app: Hub, *, zone: str = "", **headers: str) -> str:
    """The text of a time on a page of a browser in a zone."""
    cookie = {"Cookie": f"time_zone={zone}"} if zone else {}
    with app.test_request_context("/admin/sign-in", headers={**cookie, **headers}):
        return str(formats.moment(EVENING))


def test_a_time_is_in_the_zone_of_the_browser_and_its_title_in_utc(app: Hub) -> None:
    element = shown(app, zone=ISTANBUL)
    assert re.sub(r"\s", " ", element) == (
        '<time datetime="2026-01-02T20:05:00.000000Z" title="2026-01-02 20:05:00 UTC">Jan 2, 2026, 11:05 PM</time>'
    )
    assert "2 Oca 2026 23:05" in shown(app, zone=ISTANBUL, **{"Accept-Language": "tr"})


@pytest.mark.parametrize("zone", ["", "Nowhere/At-All", "../../etc/passwd", "x" * 4000, "%00"])
def test_while_the_zone_is_unknown_the_text_names_that_of_the_installation(
    app: Hub, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setitem(app.config, "TIME_ZONE", ISTANBUL)
    element = re.sub(r"\s", " ", shown(app, zone=zone))
    assert "data-local" in element
    assert "Jan 2, 2026, 11:05 PM Europe/Istanbul" in element


def test_india_groups_by_two(app: Hub) -> None:
    for headers in ({"Cookie": f"time_zone={KOLKATA}"}, {"Accept-Language": "en-IN,en;q=0.8"}):
        with app.test_request_context("/admin/sign-in", headers=headers):
            assert formats.money(Decimal("1234567.5"), "INR") == "12,34,567.50 INR"
            assert formats.quantity(Decimal(100000), "m") == "1,00,000 m"
            assert formats.price(Decimal("1234567.125")) == "12,34,567.125"
    with app.test_request_context(
        "/admin/sign-in", headers={"Cookie": f"time_zone={KOLKATA}", "Accept-Language": "tr"}
    ):
        assert formats.money(Decimal("1234567.5")) == "1.234.567,50"


@pytest.mark.parametrize("schema", [PeriodFilters, DeliveryQuery])
def test_a_filter_without_an_offset_is_in_the_zone_of_the_viewer(app: Hub, schema: Any) -> None:
    query = "since=2026-01-02T23:05&until=2026-01-03"
    with app.test_request_context(f"/admin/x?{query}", headers={"Cookie": f"time_zone={ISTANBUL}"}):
        values = parse_filters(schema()).values
        assert values["since"] == EVENING
        assert values["until"] == datetime(2026, 1, 2, 21, tzinfo=UTC)
        assert input_value(EVENING) == "2026-01-02T23:05"
        assert with_offset("yesterday") == "yesterday"
        assert with_offset("2026-01-02T23:05+05:30") == "2026-01-02T23:05+05:30"


def test_the_choice_of_the_user_wins(signed_in: Callable[..., Page]) -> None:
    page = signed_in("admin")
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    page.goto("/admin/account")
    expect(page.locator("[data-zone]")).to_have_text(zone)
    page.get_by_label("Time zone", exact=True).select_option(KOLKATA)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-zone]")).to_have_text(KOLKATA)
    expect(page.locator("html")).to_have_attribute("lang", "en-IN")
    with unit_of_work():
        db.session.execute(update(User).values(last_login_at=EVENING))
    page.goto("/admin/users")
    expect(page.locator("time").first).to_have_text(re.compile(r"3 Jan 2026, 1:35\s?am"))


def test_an_unknown_zone_is_refused(app: Hub) -> None:
    with pytest.raises(Invalid) as refused, app.app_context(), unit_of_work():
        users.save_preferences(User(), language=None, time_zone="Europe/Nowhere", theme="auto")
    assert refused.value.errors == {"time_zone": [time_zones.NO_TIME_ZONE]}


def test_days_are_days_of_the_installation(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    sample_data.import_invoice()
    with unit_of_work():
        db.session.execute(update(SalesInvoice).values(created_at=EVENING))
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 1, 3, 1, tzinfo=UTC))

    def counts() -> list[tuple[int, int]]:
        with unit_of_work():
            return [(each.day.day, each.count) for each in count_per_day(SalesInvoice.created_at, 3)]

    assert counts() == [(1, 0), (2, 1), (3, 0)]
    monkeypatch.setitem(app.config, "TIME_ZONE", KOLKATA)
    assert counts() == [(1, 0), (2, 0), (3, 1)]
    assert time_zones.today().day == 3
