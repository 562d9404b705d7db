"""When lists may be read from a replica: only if it has every change of the caller. A drill reads them really."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from flask import Response
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy.exc import OperationalError

from app.extensions import bus
from app.kernel.database import replica
from app.kernel.database.replica import MAX_LAG, Horizon, reading_lists
from app.kernel.http.app import Hub

Positions = Callable[..., None]
CALLER = "user:7"


@pytest.fixture
def positions(app: Hub, monkeypatch: pytest.MonkeyPatch) -> Positions:
    """Say what the primary has written and the replica has replayed; an error is raised."""

    def say(written: int, replayed: int | None, error: Exception | None = None) -> None:
        def read() -> tuple[int, int | None]:
            if error:
                raise error
            return written, replayed

        monkeypatch.setattr(replica, "read_positions", read)

    return say


def look(horizon: Horizon) -> float:
    """The horizon after a new look at the positions."""
    horizon._next_look = 0.0
    return horizon.get()


def test_the_horizon_is_the_newest_moment_that_was_replayed(positions: Positions) -> None:
    horizon = Horizon()
    positions(100, 100)
    first = look(horizon)
    assert first == pytest.approx(time.time(), abs=5)
    positions(200, 150)
    assert look(horizon) == first
    positions(200, 200)
    assert look(horizon) > first


@pytest.mark.parametrize(
    ("replayed", "error"), [(None, None), (1, OperationalError("", None, Exception("gone")))], ids=["promoted", "away"]
)
def test_a_server_that_is_no_standby_or_away_is_avoided_for_a_while(
    positions: Positions, replayed: int | None, error: Exception | None
) -> None:
    horizon = Horizon()
    positions(100, 100)
    assert look(horizon)
    positions(100, replayed, error)
    assert look(horizon) == 0
    positions(100, 100)
    assert horizon.get() == 0, "it was asked again at once"
    assert look(horizon)


def test_a_replica_that_is_far_behind_is_not_used(positions: Positions) -> None:
    horizon = Horizon()
    horizon.known.append((time.time() - MAX_LAG - 1, 100))
    positions(200, 100)
    assert look(horizon) == 0


class TestCaller:
    @pytest.fixture(autouse=True)
    def _complete_until_now(self, app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replica, "caller_name", lambda: CALLER)
        monkeypatch.setattr(replica.horizon, "get", lambda: 1000.0)

    @pytest.mark.parametrize(("changed", "is_complete"), [(None, True), (900.0, True), (999.5, False), (1001.0, False)])
    def test_a_younger_change_is_read_from_the_primary(self, changed: float | None, *, is_complete: bool) -> None:
        if changed is not None:
            bus.client.set(f"hub:changed:{CALLER}", changed)
        assert replica._is_complete() is is_complete

    def test_somebody_unknown_reads_from_the_primary(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replica, "caller_name", lambda: None)
        assert not replica._is_complete()

    def test_without_redis_lists_come_from_the_primary(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_key: str) -> None:
            raise RedisConnectionError

        monkeypatch.setattr(bus.client, "get", fail)
        assert not replica._is_complete()

    def test_only_a_block_of_a_reading_request_is_sent_to_the_replica(
        self, app: Hub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = object()
        monkeypatch.setattr(replica, "db", SimpleNamespace(engines={replica.BIND: engine}))
        monkeypatch.setitem(app.config, "DATABASE_REPLICA_URL", "postgresql://standby/hub")
        for method, expected in (("GET", engine), ("POST", None)):
            with app.test_request_context(method=method):
                with reading_lists():
                    with reading_lists():
                        assert replica._choose_engine() is expected
                    assert replica._choose_engine() is expected, "an inner block ended the outer one"
                assert replica._choose_engine() is None

    def test_only_requests_that_may_change_something_are_remembered(self, app: Hub) -> None:
        for method, is_remembered in (("GET", 0), ("POST", 1)):
            with app.test_request_context(method=method):
                replica._remember_change(Response())
            assert bus.client.exists(f"hub:changed:{CALLER}") == is_remembered
