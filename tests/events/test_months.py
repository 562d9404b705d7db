"""Months of events: a whole month is dropped when all of it has expired, and readers see no gap."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from app import events
from app.events import retention
from app.events.models import Event
from app.events.relay import relay
from app.events.tasks import purge
from app.extensions import db
from app.kernel import clock
from app.kernel.database import month_partitions
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.operations.tasks import make_partitions
from app.webhooks.events import TEST
from tests.own_database import partition_names

#: When a month begins, the one before it is kept and the one before that has expired.
KEPT = timedelta(days=40)
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_database")]


@pytest.fixture(autouse=True)
def _retention(own_database: Hub) -> None:
    own_database.config["EVENT_RETENTION"] = KEPT


def happen(count: int = 1, *, placed: bool = True) -> None:
    with unit_of_work():
        events.emit_many(TEST, ((number, {}) for number in range(count)))
    if placed:
        relay()


def positions() -> list[int | None]:
    with unit_of_work():
        return list(db.session.scalars(select(Event.position).order_by(Event.id)))


def read(after: int) -> list[int | None]:
    with unit_of_work():
        page = events.read_after(after, types=[TEST.name], limit=100, everybody=True)
    return [event.position for event in page.events]


@pytest.fixture
def three_months(months: Callable[[int], str]) -> list[str]:
    """Two events in each of three months; the clock stays in the last one. Names of their partitions."""
    names = []
    for count in (1, 2, 3):
        names.append(f"events_{months(count)}")
        make_partitions.apply()
        happen(2)
    return names


def test_expired_months_are_dropped_and_the_rest_is_read_in_order(
    three_months: list[str], months: Callable[[int], str]
) -> None:
    assert read(0) == [1, 2, 3, 4, 5, 6]
    assert purge.apply().get() == 2
    assert partition_names("events")[:2] == three_months[1:]
    assert read(0) == [3, 4, 5, 6]
    with unit_of_work():
        assert events.purged_position() == 2
    months(4)
    make_partitions.apply()
    happen(1)
    assert purge.apply().get() == 2
    assert (read(0), partition_names("events")[0]) == ([5, 6, 7], three_months[2])


def test_a_month_stays_until_its_newest_event_has_expired(
    three_months: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    purge.apply()
    with unit_of_work():
        newest = max(db.session.scalars(select(Event.created_at).where(Event.position == 4)))
    for age, removed in ((KEPT, 0), (KEPT + timedelta(hours=2), 2)):
        monkeypatch.setattr(clock, "now", lambda moment=newest + age: moment)
        assert purge.apply().get() == removed
        assert (three_months[1] in partition_names("events")) is not bool(removed)


def test_the_newest_event_is_among_the_last_ones(three_months: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_partitions, "LAST_ROWS", 1)
    with unit_of_work():
        long_ago = Event.created_at - timedelta(days=99)
        db.session.execute(update(Event).where(Event.position == 3).values(created_at=long_ago))
    assert purge.apply().get() == 2
    assert read(0) == [3, 4, 5, 6]


def test_the_partition_that_new_events_go_to_is_never_dropped(months: Callable[[int], str]) -> None:
    happen(2)
    months(9)
    assert purge.apply().get() == 2
    assert partition_names("events")[0] == "events_first"
    happen(1)
    assert positions() == [3]


def test_an_event_without_a_position_keeps_its_month(months: Callable[[int], str]) -> None:
    months(1)
    make_partitions.apply()
    happen(1)
    month = f"events_{months(2)}"
    make_partitions.apply()
    happen(1, placed=False)
    months(4)
    make_partitions.apply()
    assert purge.apply().get() == 1
    assert positions() == [None]
    happen(1)
    assert purge.apply().get() == 1
    assert positions() == [3]
    assert month not in partition_names("events")


def test_batches_take_events_from_before_the_months_only(months: Callable[[int], str]) -> None:
    """A month is kept whole until it is dropped."""
    happen(2)
    months(1)
    make_partitions.apply()
    happen(1)
    with unit_of_work():
        db.session.execute(update(Event).where(Event.position == 2).values(position=None))
    months(5)
    make_partitions.apply()
    assert purge.apply().get() == 1
    assert positions() == [None, 3]


def exchange(position: int, other: int) -> None:
    with unit_of_work():
        for before, after in ((position, -position), (other, position), (-position, other)):
            db.session.execute(update(Event).where(Event.position == before).values(position=after))


def test_an_early_position_in_a_later_month_goes_with_the_month_before(three_months: list[str]) -> None:
    """A transaction that takes long gets its position after events of the next month."""
    exchange(2, 3)
    with unit_of_work():
        earlier = Event.created_at - timedelta(days=20)
        db.session.execute(update(Event).where(Event.position == 2).values(created_at=earlier))
    purge.apply()  # the event with position 3 is in the first month, and position 2 in the second
    assert read(0) == [4, 5, 6]
    assert three_months[0] not in partition_names("events")


def test_a_fresh_event_before_the_last_position_keeps_the_month(three_months: list[str]) -> None:
    exchange(2, 3)
    assert purge.apply().get() == 0
    assert read(0) == [1, 2, 3, 4, 5, 6]


def test_a_busy_table_is_left_for_the_next_run(three_months: list[str]) -> None:
    with db.engine.connect() as backup:
        backup.execute(text("SELECT count(*) FROM events"))
        purge.apply()
        assert three_months[0] in partition_names("events")
    purge.apply()
    assert three_months[0] not in partition_names("events")


def test_the_last_removed_position_never_goes_back(own_database: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another purge may have removed more since this one looked."""
    monkeypatch.setattr(retention, "BATCH_SIZE", 1)
    happen(4)

    def purge_all() -> int:
        with own_database.app_context():
            return retention.purge(clock.now() + timedelta(days=1))

    with ThreadPoolExecutor(1) as pool, db.engine.connect() as other:
        other.execute(text("UPDATE event_head SET purged = 4"))
        other.execute(text("DELETE FROM events"))
        running = pool.submit(purge_all)
        wait_for_lock()
        other.commit()
        running.result(30)
    with unit_of_work():
        assert events.purged_position() == 4


def wait_for_lock() -> None:
    """Wait until a transaction waits for a row or a table."""
    waits = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
    until = time.monotonic() + 10
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(waits):
            assert time.monotonic() < until
            time.sleep(0.01)


def test_positions_stay_unique_and_without_gaps_over_months(own_database: Hub, months: Callable[[int], str]) -> None:
    """Two relays and two writers at once, while a month begins."""

    def write() -> None:
        with own_database.app_context():
            for _ in range(20):
                happen(5, placed=False)

    def place() -> None:
        with own_database.app_context():
            for _ in range(40):
                relay()

    def begin_month() -> None:
        with own_database.app_context():
            make_partitions.apply()

    make_partitions.apply()
    months(1)
    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(work) for work in (write, write, place, place, begin_month)]
        for each in running:
            each.result(60)
    relay()
    found = positions()
    assert sorted(position or 0 for position in found) == list(range(1, 201))
    assert read(100) == list(range(101, 201))
