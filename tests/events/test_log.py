"""The event log: stored with the change, positions without gaps, one order for all readers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from marshmallow import fields
from sqlalchemy import select, text

from app import events
from app.events import relay as relay_module
from app.events.models import Event
from app.events.registry import CATALOGUE, EventType
from app.extensions import db
from app.kernel import json
from app.kernel.http.app import Hub
from app.kernel.schemas.fields import Schema
from app.kernel.unit_of_work import unit_of_work


class ThingSchema(Schema):
    """The subject of the test event."""

    name = fields.String()


@pytest.fixture
def happened(app: Hub, monkeypatch: pytest.MonkeyPatch) -> EventType:
    monkeypatch.setattr("app.events.registry.CATALOGUE", dict(CATALOGUE))
    return events.define("test.happened", ThingSchema, "A test event.", key="thing", ability="events:read")


@pytest.fixture
def batches() -> Iterator[list[events.Batch]]:
    """The batches that a listener got."""
    received: list[events.Batch] = []
    relay_module.subscribe(received.append)
    yield received
    relay_module._listeners.remove(received.append)


@pytest.fixture
def happen(happened: EventType) -> Callable[..., None]:
    def make(number: int = 1, **facts: Any) -> None:
        with unit_of_work():
            for subject in range(number):
                events.emit(happened, {"name": f"thing {subject}"}, subject_id=subject, **facts)

    return make


def stored() -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(select(Event.__table__).order_by(Event.id)))


def read(position: int = 0, **facts: Any) -> list[int]:
    options = {"types": ["test.happened"], "limit": 1000, "everybody": True} | facts
    return [event.position or 0 for event in events.read_after(position, **options).events]


class TestEmit:
    def test_the_body_is_stored_in_the_transaction(self, happen: Callable[..., None]) -> None:
        happen(owner_id=7, reason="because")
        [row] = stored()
        body = json.decode(row.body)
        assert body["event"] == row.type == "test.happened"
        assert uuid.UUID(body["id"]) == row.uuid
        assert body["created_at"].endswith("Z")
        assert body["data"] == {"thing": {"name": "thing 0"}, "reason": "because"}
        assert (row.position, row.owner_id, row.subject_id) == (None, 7, 0)

    def test_a_rollback_stores_no_event(self, happened: EventType, relayed: Callable[[], int]) -> None:
        with pytest.raises(ValueError, match="no"), unit_of_work():
            events.emit(happened, {"name": "x"}, subject_id=1)
            raise ValueError("no")
        assert stored() == []
        assert relayed() == 0

    def test_the_relay_is_triggered_once_and_only_after_the_commit(
        self, happened: EventType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        triggered: list[int] = []

        def trigger() -> None:
            triggered.append(len(stored()))

        monkeypatch.setattr("app.events.log.trigger_relay", trigger)
        with unit_of_work():
            for _ in range(3):
                events.emit(happened, {"name": "x"}, subject_id=1)
            assert triggered == []
        assert triggered == [3]


class TestRelay:
    def test_positions_follow_the_order_of_inserts_without_gaps(
        self, happen: Callable[..., None], relayed: Callable[[], int]
    ) -> None:
        happen(3)
        happen(2)
        assert relayed() == 5
        assert [row.position for row in stored()] == [1, 2, 3, 4, 5]
        assert (events.last_position(), relayed()) == (5, 0)

    def test_an_id_that_a_rollback_skipped_leaves_no_gap(
        self, happen: Callable[..., None], happened: EventType, relayed: Callable[[], int]
    ) -> None:
        happen()
        with pytest.raises(ValueError, match="no"), unit_of_work():
            events.emit(happened, {"name": "x"}, subject_id=1)
            raise ValueError("no")
        happen()
        relayed()
        assert [(row.id, row.position) for row in stored()] == [(1, 1), (3, 2)]

    def test_an_event_that_is_committed_last_comes_last(
        self, happen: Callable[..., None], relayed: Callable[[], int]
    ) -> None:
        insert = text(
            "INSERT INTO events (uuid, type, subject_id, body, created_at) "
            "VALUES (gen_random_uuid(), 'test.happened', 99, '{}', now())"
        )
        with db.engine.connect() as slow:
            slow.execute(insert)
            happen()
            relayed()
            assert read() == [1]
            slow.commit()
        relayed()
        assert read(1) == [2]
        assert [(row.subject_id, row.position) for row in stored()] == [(99, 2), (0, 1)]

    def test_several_batches_are_handled_in_one_run(
        self,
        happen: Callable[..., None],
        relayed: Callable[[], int],
        monkeypatch: pytest.MonkeyPatch,
        batches: list[events.Batch],
    ) -> None:
        monkeypatch.setattr(relay_module, "BATCH_SIZE", 10)
        happen(25)
        assert relayed() == 25
        assert [len(batch.events) for batch in batches] == [10, 10, 5]
        assert [batch.head for batch in batches] == [10, 20, 25]
        assert [row.position for row in stored()] == list(range(1, 26))

    def test_parallel_relays_assign_each_position_once(
        self, app: Hub, happen: Callable[..., None], batches: list[events.Batch], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(relay_module, "BATCH_SIZE", 7)
        happen(100)

        def run(_: int) -> int:
            with app.app_context():
                return relay_module.relay()

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(run, range(12))) == 100
        positions = [event.position for batch in batches for event in batch.events]
        assert sorted(positions) == list(range(1, 101))
        assert sorted(row.position for row in stored()) == list(range(1, 101))
        assert events.last_position() == 100

    def test_concurrent_writers_and_relays_lose_nothing(self, app: Hub, happened: EventType) -> None:
        def write(number: int) -> None:
            with app.app_context(), unit_of_work():
                events.emit(happened, {"name": "x"}, subject_id=number)

        def place(_: int) -> int:
            with app.app_context():
                return relay_module.relay()

        with ThreadPoolExecutor(8) as pool:
            placing = [pool.submit(place, 0) for _ in range(20)]
            list(pool.map(write, range(60)))
            placed = sum(run.result() for run in placing)
        placed += relay_module.relay()
        assert placed == 60
        assert read() == list(range(1, 61))

    def test_a_missing_head_row_is_an_error_that_names_the_migrations(self, happen: Callable[..., None]) -> None:
        with db.engine.begin() as connection:
            connection.execute(text("DELETE FROM event_head"))
        try:
            with pytest.raises(RuntimeError, match="run the migrations"):
                relay_module.relay()
        finally:
            with db.engine.begin() as connection:
                connection.execute(text("INSERT INTO event_head (id, position) VALUES (1, 0)"))


class TestListeners:
    def test_get_every_event_with_its_position_and_an_empty_heartbeat(
        self, happen: Callable[..., None], relayed: Callable[[], int], batches: list[events.Batch]
    ) -> None:
        happen(2, owner_id=3)
        relayed()
        relayed()
        [first, heartbeat] = batches
        assert [(e.position, e.type, e.owner_id, e.subject_id) for e in first.events] == [
            (1, "test.happened", 3, 0),
            (2, "test.happened", 3, 1),
        ]
        assert [event.body for event in first.events] == [row.body for row in stored()]
        assert (list(heartbeat.events), heartbeat.head) == ([], 2)

    def test_a_failed_listener_leaves_the_events_for_the_next_run(
        self, happen: Callable[..., None], relayed: Callable[[], int]
    ) -> None:
        def broken(_: events.Batch) -> None:
            raise ConnectionError("no")

        happen(2)
        relay_module.subscribe(broken)
        try:
            with pytest.raises(ConnectionError):
                relayed()
        finally:
            relay_module._listeners.remove(broken)
        assert (events.last_position(), [row.position for row in stored()]) == (0, [None, None])
        assert relayed() == 2

    def test_are_called_once_per_batch(self, batches: list[events.Batch], relayed: Callable[[], int]) -> None:
        relay_module.subscribe(batches.append)
        relayed()
        assert len(batches) == 1


class TestReadAfter:
    def test_pages_through_the_log(self, happen: Callable[..., None], relayed: Callable[[], int]) -> None:
        happen(5)
        assert read() == []
        relayed()
        assert read(limit=2) == [1, 2]
        assert read(2, limit=2) == [3, 4]
        assert read(0, until=3) == [1, 2, 3]
        assert read(5) == []
        assert read(types=["sales.imported"]) == []

    def test_returns_an_event_of_a_user_to_that_user_only(
        self, happen: Callable[..., None], relayed: Callable[[], int]
    ) -> None:
        for owner in (None, 1, 2):
            happen(owner_id=owner)
        relayed()
        assert read(everybody=True) == [1, 2, 3]
        assert read(everybody=False, owner_id=1) == [1, 2]
        assert read(everybody=False, owner_id=None) == [1]


class TestRegistry:
    def test_an_event_is_defined_once(self, happened: EventType) -> None:
        with pytest.raises(ValueError, match="is defined twice"):
            events.define("test.happened", ThingSchema, "Again.", key="thing", ability="events:read")

    @pytest.mark.parametrize(
        ("patterns", "names"),
        [
            (["sales.imported"], ["sales.imported"]),
            (["sales.imported", "sales.imported", "sales.review"], ["sales.imported", "sales.review"]),
            (["test.*"], ["test.happened"]),
            (["test"], []),
            (["te*"], []),
            ([], []),
        ],
    )
    def test_patterns_match_names(self, happened: EventType, patterns: list[str], names: list[str]) -> None:
        assert events.matching(patterns) == names

    def test_the_star_matches_every_event(self, happened: EventType) -> None:
        assert set(events.matching(["*"])) == {*CATALOGUE, "test.happened"}
