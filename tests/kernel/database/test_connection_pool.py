"""The pool of connections: none stays open after the pool was given up."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import text

from app.extensions import db
from app.kernel.http.app import Hub


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
