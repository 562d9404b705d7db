"""Months of the log of API calls and of the audit trail: calls leave with their month, entries stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select

from app.accounts import audit, call_log
from app.accounts.audit_log import entries
from app.accounts.models.accounts import ApiCall, AuditEntry
from app.accounts.tasks import purge
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.operations.tasks import make_partitions
from tests.own_database import partition_names


def store_call(path: str, created_at: datetime) -> None:
    call = {"credential": "user:1", "method": "GET", "path": path, "status": 200, "milliseconds": 1}
    db.session.execute(insert(ApiCall).values(**call, request_id="r", created_at=created_at))


@pytest.fixture(autouse=True)
def _three_months(own_database: Hub, months: Callable[[int], str]) -> None:
    """A call and an entry in each of three months; the clock stays in the last one."""
    own_database.config["API_CALL_RETENTION"] = timedelta(days=40)
    for count in (1, 2, 3):
        months(count)
        make_partitions.apply()
        with unit_of_work():
            store_call(f"/{count}", clock.now())
            audit.record("user.created", actor=f"user:{count}", subject="user:9")


def calls() -> list[str]:
    query = {"since": clock.now() - timedelta(days=999), "page_size": 10, "cursor": None}
    with unit_of_work():
        found = call_log.search(query, scope=None)
    return [call.path for call in found.calls]


@pytest.mark.slow
def test_calls_are_listed_over_months_and_leave_with_their_month() -> None:
    assert calls() == ["/3", "/2", "/1"]
    before = partition_names("api_calls")
    assert purge.apply().get() == 0
    assert calls() == ["/3", "/2"]
    assert partition_names("api_calls") == before[2:]


@pytest.mark.slow
def test_a_month_that_is_fresh_in_part_stays_whole() -> None:
    with unit_of_work():
        store_call("/old", clock.now() - timedelta(days=60))
    assert purge.apply().get() == 0
    assert calls() == ["/3", "/2", "/old"]


@pytest.mark.slow
def test_entries_are_numbered_once_over_months_and_are_never_dropped(own_database: Hub) -> None:
    before = partition_names("audit_entries")
    with own_database.app_context():
        assert entries.place_entries() == 3
    purge.apply()
    with unit_of_work():
        audit.record("user.created", actor="user:4", subject="user:9")
    found = entries.read_after({"after": 1, "limit": 10}, scope=None)
    assert [(entry.position, entry.actor) for entry in found.entries] == [(2, "user:2"), (3, "user:3"), (4, "user:4")]
    assert partition_names("audit_entries") == before
    with unit_of_work():
        assert len(set(db.session.scalars(select(AuditEntry.id)))) == 4
