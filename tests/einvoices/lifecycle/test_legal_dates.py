"""Legal dates and years of series are the seller's local day; the time zone comes from the country."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from zoneinfo import available_timezones

import pytest
from babel import Locale
from flask.testing import FlaskClient
from pypdf import PdfReader

from app.einvoices import sellers
from app.einvoices.pdf import print_job
from app.einvoices.queries import change_clock
from app.formats.countries import TIMEZONES
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import create_issued, fetch_pdf, list_page, pdf_text, perform


@pytest.fixture
def freeze(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Stop the clock of changes at a moment."""
    return lambda text: monkeypatch.setattr(change_clock, "stamp", lambda: datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("country", "moment", "day"),
    [
        ("TR", "2026-12-31T20:30:00Z", "2026-12-31"),
        ("TR", "2026-12-31T21:30:00Z", "2027-01-01"),
        ("IN", "2026-12-31T18:00:00Z", "2026-12-31"),
        ("IN", "2026-12-31T19:00:00Z", "2027-01-01"),
        ("AE", "2026-12-31T20:30:00Z", "2027-01-01"),
        ("DE", "2026-12-31T23:30:00Z", "2027-01-01"),
        ("DE", "2026-06-30T22:30:00Z", "2026-07-01"),  # summer time: an hour more
        ("DE", "2026-12-30T22:30:00Z", "2026-12-30"),
        ("US", "2027-01-01T04:30:00Z", "2026-12-31"),
        ("US", "2027-01-01T05:30:00Z", "2027-01-01"),
    ],
)
def test_the_day_and_the_series_are_local(
    owner: FlaskClient, freeze: Callable[[str], None], country: str, moment: str, day: str
) -> None:
    with unit_of_work():
        assert sellers.save(owner.user_id, actor="test", country=country).timezone == TIMEZONES[country]
    freeze(moment)
    sale = create_issued(owner)
    assert (sale["issued_on"], sale["invoice_no"]) == (day, f"EA-{day[:4]}-000001")
    assert list_page(owner)["data"][0]["issued_on"] == day


@pytest.mark.parametrize(
    ("timezone", "day"), [("Pacific/Kiritimati", "2027-01-01"), ("Pacific/Pago_Pago", "2026-12-30")]
)
def test_the_ends_of_the_world_are_a_day_apart_and_more(
    owner: FlaskClient, freeze: Callable[[str], None], timezone: str, day: str
) -> None:
    with unit_of_work():
        sellers.save(owner.user_id, actor="test", timezone=timezone, language="en")
    freeze("2026-12-31T10:30:00Z")
    sale = create_issued(owner)
    credit = perform(owner, sale["id"], "credit-notes", {"reason": "x"})
    note = perform(owner, credit["id"], "issue")
    assert {sale["issued_on"], note["issued_on"]} == {day}
    assert {sale["invoice_no"][3:7], note["invoice_no"][3:7]} == {day[:4]}
    print_job.print_due()
    for einvoice in (sale, note):
        content = fetch_pdf(owner, einvoice["id"]).data
        assert day in pdf_text(content)
        assert len(PdfReader(io.BytesIO(content)).pages) == 1


def test_an_issued_one_keeps_its_date(owner: FlaskClient, freeze: Callable[[str], None]) -> None:
    freeze("2026-12-31T21:30:00Z")
    assert create_issued(owner)["issued_on"] == "2027-01-01"
    with unit_of_work():
        sellers.save(owner.user_id, actor="test", timezone="UTC")
    assert list_page(owner)["data"][0]["issued_on"] == "2027-01-01"


def test_a_draft_has_no_date(owner: FlaskClient) -> None:
    assert create_issued(owner)["issued_on"]
    assert perform(owner, list_page(owner)["data"][0]["id"], "returns", {"reason": "x"})["issued_on"] is None


def test_every_country_has_a_time_zone_that_exists() -> None:
    names = Locale("en").territories
    assert len(TIMEZONES) > 240
    assert set(TIMEZONES.values()) <= available_timezones()
    assert set(TIMEZONES) <= set(names)
    assert (TIMEZONES["TR"], TIMEZONES["IN"], TIMEZONES["AE"]) == ("Europe/Istanbul", "Asia/Kolkata", "Asia/Dubai")


def test_a_new_seller_has_the_time_zone_of_the_default_country(owner: FlaskClient) -> None:
    assert sellers.profile_of(owner.user_id).timezone == "Europe/Istanbul"
    with unit_of_work():
        assert sellers.save(owner.user_id, actor="test", country="IN", timezone="").timezone == "Asia/Kolkata"
        assert sellers.save(owner.user_id, actor="test", country="IN", timezone="UTC").timezone == "UTC"
        assert sellers.save(owner.user_id, actor="test", name="A").timezone == "UTC"
