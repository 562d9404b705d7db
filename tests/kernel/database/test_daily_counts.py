"""Counts per day: finished spans are counted once, the present hour each time, and all of them without Redis."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import update

from app.accounts.models.accounts import User
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.queries.lookup import created_per_day
from app.extensions import bus, db
from app.kernel import clock
from app.kernel.database import daily_counts
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.sales.models.invoices import SalesInvoice
from app.sales.queries.lists import imported_per_day
from tests.admin import sample_data
from tests.factories import a_user

NOON = datetime(2026, 3, 9, 16, 25, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    monkeypatch.setattr(daily_counts, "_kept", daily_counts._KeptCounts())


def invoice_of(moment: datetime) -> None:
    number = sample_data.import_invoice()
    with unit_of_work():
        db.session.execute(update(SalesInvoice).where(SalesInvoice.invoice_no == number).values(created_at=moment))


def counts() -> list[int]:
    with unit_of_work():
        return [day.count for day in imported_per_day(3)]


def test_finished_days_and_hours_are_counted_once(patient: Redis) -> None:
    hours = (timedelta(hours=-50), timedelta(hours=-4), timedelta())
    for past in hours:
        invoice_of(NOON + past)
    assert counts() == [1, 0, 2]
    for past in hours:
        invoice_of(NOON + past)
    assert counts() == [1, 0, 3]  # only the row of the present hour is new
    patient.flushall()
    assert counts() == [2, 0, 4]


def test_a_span_is_finished_when_late_commits_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    midnight = NOON.replace(hour=0, minute=9)
    monkeypatch.setattr(clock, "now", lambda: midnight)
    yesterday = midnight - timedelta(minutes=30)
    invoice_of(yesterday)
    assert counts() == [0, 1, 0]
    invoice_of(yesterday)
    assert counts() == [0, 2, 0]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_the_spans_of_a_week_have_no_gaps(app: Hub, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setitem(app.config, "TIME_ZONE", zone)  # in New York the clocks changed on the day before
    spans = daily_counts._spans(7)
    assert all(before.ends == after.begins for before, after in pairwise(spans))
    assert spans[-1].begins < NOON - daily_counts._COMMITTED_AFTER < spans[-1].ends
    assert [span.finished for span in spans] == [True] * 7 + [False]


def test_counts_of_one_owner_are_not_those_of_another(create_owner: Callable[[], User]) -> None:
    owners = [create_owner() for _ in range(2)]
    draft = sample_data.create_draft(owners[0])
    with unit_of_work():
        moment = NOON - timedelta(days=1)
        db.session.execute(update(Einvoice).where(Einvoice.id == draft.id).values(created_at=moment))
        found = [[day.count for day in created_per_day(2, scope)] for scope in (owners[0].id, owners[1].id, None)]
    assert found == [[1, 0], [0, 0], [1, 0]]


@pytest.fixture
def create_owner(app: Hub) -> Callable[[], User]:
    def create() -> User:
        with unit_of_work():
            return a_user()

    return create


def test_without_redis_all_days_are_counted_and_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Gone:
        def mget(self, keys: list[str]) -> None:
            asked.append(keys)
            raise RedisConnectionError

        def pipeline(self, *, transaction: bool) -> None:
            asked.append(transaction)
            raise RedisConnectionError

    invoice_of(NOON - timedelta(days=1))
    monkeypatch.setattr(bus, "client", Gone())
    assert counts() == [0, 1, 0]
    invoice_of(NOON - timedelta(days=1))
    assert counts() == [0, 2, 0]
    assert len(asked) == 1
    monkeypatch.setattr(daily_counts, "AWAY_SECONDS", 0.0)
    monkeypatch.setattr(daily_counts, "_kept", daily_counts._KeptCounts())
    assert counts() == [0, 2, 0]
    assert len(asked) > 2
