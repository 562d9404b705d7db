"""The pool of connections: none stays open after the pool was given up, and few that are idle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.extensions import db
from app.kernel.database import connection_pool
from app.kernel.database.connection_pool import ClosingPool
from app.kernel.http.app import Hub
from tests.sentinels import wait_for


def test_a_connection_that_is_used_while_the_pool_is_given_up_is_closed_afterwards(app: Hub) -> None:
    with db.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        db.engine.dispose()
        assert connection.scalar(text("SELECT 1")) == 1
    assert driver.closed


def test_connections_of_other_threads_too(app: Hub) -> None:
    taken, given_up, drivers = threading.Barrier(4), threading.Event(), []

    def use() -> None:
        with app.app_context(), db.engine.connect() as connection:
            drivers.append(connection.connection.driver_connection)
            taken.wait(10)
            given_up.wait(10)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    taken.wait(10)
    db.engine.dispose()
    given_up.set()
    for thread in threads:
        thread.join(10)
    assert [driver.closed for driver in drivers] == [True, True, True]


def test_the_next_pool_keeps_its_connections(app: Hub) -> None:
    db.engine.dispose()
    found = set()
    for _ in range(3):
        with db.engine.connect() as connection:
            found.add(connection.scalar(text("SELECT pg_backend_pid()")))
    assert len(found) == 1


class TestIdleConnections:
    @pytest.fixture
    def engine(self, app: Hub, set_time: Callable[[float], None]) -> Iterator[Engine]:
        """An engine with a pool of three connections, one of which may be above the size, and no wait for more."""
        options = {
            "poolclass": ClosingPool,
            "pool_size": 2,
            "max_overflow": 1,
            "pool_timeout": 0,
            "pool_use_lifo": True,
        }
        engine = create_engine(db.engine.url, **options)
        yield engine
        engine.dispose()

    @pytest.fixture
    def set_time(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        return lambda seconds: monkeypatch.setattr(connection_pool, "monotonic", lambda: seconds)

    @staticmethod
    def use(engine: Engine, count: int) -> list[int]:
        """Use so many connections at once; returns their processes in the server."""
        with ExitStack() as stack:
            connections = [stack.enter_context(engine.connect()) for _ in range(count)]
            return [connection.scalar(text("SELECT pg_backend_pid()")) for connection in connections]

    def test_one_use_closes_one_that_is_idle_for_a_minute(
        self, engine: Engine, set_time: Callable[[float], None]
    ) -> None:
        set_time(1000)
        first, _second = self.use(engine, 2)
        for moment, kept in ((1059, 2), (1061, 1), (2000, 1)):
            set_time(moment)
            [used] = self.use(engine, 1)
            assert (used, engine.pool.checkedin()) == (first, kept)  # type: ignore[attr-defined]

    def test_the_connection_is_closed_in_the_server(self, engine: Engine, set_time: Callable[[float], None]) -> None:
        set_time(1000)
        backends = self.use(engine, 2)
        set_time(1061)
        self.use(engine, 1)
        running = text("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(:pids)")
        wait_for(lambda: self._count(running, backends) == 1)

    @staticmethod
    def _count(query: Any, backends: list[int]) -> int:
        with db.engine.connect() as connection:
            return int(connection.scalar(query, {"pids": backends}))

    def test_the_pool_opens_as_many_as_before(self, engine: Engine, set_time: Callable[[float], None]) -> None:
        for moment in (1000, 2000, 3000):
            set_time(moment)
            assert len(self.use(engine, 3)) == 3
            with pytest.raises(PoolTimeout):
                self.use(engine, 4)
            set_time(moment + 100)
            self.use(engine, 1)
            assert engine.pool.checkedin() == 1  # type: ignore[attr-defined]
