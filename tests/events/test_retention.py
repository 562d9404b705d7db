"""Retention: old events are deleted in order, and reading after a deleted position is answered 410."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.events import retention
from app.events.tasks import purge
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from tests.factories import a_sale

LOG = "/api/v1/events"
STREAM = "/api/sales/sse/invoices/"


@dataclass(frozen=True, slots=True)
class ManualClock:
    """A clock that a test can advance."""

    monkeypatch: pytest.MonkeyPatch

    def pass_by(self, days: float) -> None:
        moment = clock.now() + timedelta(days=days)
        self.monkeypatch.setattr(clock, "now", lambda: moment)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    return ManualClock(monkeypatch)


@pytest.fixture
def reader(client_as: Callable[..., FlaskClient]) -> Callable[[int], tuple[int, dict[str, object]]]:
    """Read the log after a position: status and answer."""

    def read(after: int) -> tuple[int, dict[str, object]]:
        answer = client_as("billing").get(LOG, query_string={"after": after})
        return answer.status_code, answer.json

    return read


def happen(erp: FlaskClient, relayed: Callable[[], int], times: int) -> None:
    for _ in range(times):
        assert erp.post("/api/sales/import/invoice/", json=a_sale()).status_code == 201
    relayed()


def positions() -> list[int]:
    with db.engine.connect() as connection:
        return [position for (position,) in connection.execute(text("SELECT position FROM events ORDER BY 1"))]


def test_expired_events_are_deleted_and_the_rest_stays(
    erp: FlaskClient, relayed: Callable[[], int], later: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    happen(erp, relayed, 5)
    later.pass_by(399)
    happen(erp, relayed, 2)
    assert purge.apply().get() == 0
    later.pass_by(2)
    assert purge.apply().get() == 5
    assert positions() == [6, 7]
    assert purge.apply().get() == 0


def test_zero_days_keep_everything(
    app_with: Callable[..., Hub], erp: FlaskClient, relayed: Callable[[], int], later: ManualClock
) -> None:
    happen(erp, relayed, 1)
    later.pass_by(10_000)
    with app_with(event_retention=None).app_context():
        assert purge.apply().get() == 0
    assert positions() == [1]


def test_an_event_without_a_position_is_kept(erp: FlaskClient, relayed: Callable[[], int], later: ManualClock) -> None:
    happen(erp, relayed, 1)
    erp.post("/api/sales/import/invoice/", json=a_sale())
    later.pass_by(500)
    assert purge.apply().get() == 1
    assert relayed() == 1
    assert positions() == [2]


class TestReaders:
    @pytest.fixture(autouse=True)
    def _three_of_five_are_deleted(self, erp: FlaskClient, relayed: Callable[[], int], later: ManualClock) -> None:
        happen(erp, relayed, 3)
        later.pass_by(399)
        happen(erp, relayed, 2)
        later.pass_by(2)
        purge.apply()

    @pytest.mark.parametrize("after", [1, 2])
    def test_a_deleted_position_is_answered_410_with_the_oldest(
        self, reader: Callable[[int], tuple[int, dict[str, object]]], after: int
    ) -> None:
        status, body = reader(after)
        assert (status, body["error"], body["oldest"]) == (410, "POSITION_GONE", 4)

    @pytest.mark.parametrize(("after", "first"), [(0, 4), (3, 4), (4, 5)])
    def test_reading_continues_at_the_first_kept_event(
        self, reader: Callable[[int], tuple[int, dict[str, object]]], after: int, first: int
    ) -> None:
        status, body = reader(after)
        assert status == 200
        assert body["data"][0]["position"] == first  # type: ignore[index]

    def test_a_stream_does_not_resume_over_a_gap(self, erp: FlaskClient) -> None:
        answer = erp.get(STREAM, headers={"Last-Event-ID": "2"})
        assert answer.status_code == 410
        assert answer.json == {
            "success": False,
            "message": "Events behind this position are no longer kept; "
            "read anew what you need, then go on from oldest.",
            "code": "POSITION_GONE",
            "data": {"oldest": 4},
        }
