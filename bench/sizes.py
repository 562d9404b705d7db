"""Hubs with different amounts of data, and the measuring of the same requests on each in alternation."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
from flask.testing import FlaskClient

from app.config import Settings
from app.extensions import db
from app.factory import create_app
from app.local.servers.temporary import temporary_servers

#: Memory settings of a server for this amount of data; the data needs no durability.
_POSTGRES = {
    "fsync": "off",
    "synchronous_commit": "off",
    "max_wal_size": "8GB",
    "maintenance_work_mem": "512MB",
    "shared_buffers": "1GB",
}
Request = Callable[[], Any]


def rows_of_large(usual: int) -> int:
    """How many rows the large database of a benchmark has: ``ROWS``, or the usual number."""
    return int(os.environ.get("ROWS") or usual)


@contextmanager
def hubs(sizes: Sequence[int], fill: Callable[[str, int], str], **settings: Any) -> Iterator[list[FlaskClient]]:
    """Clients of new hubs, one for each size.

    Args:
        sizes: numbers of rows; each is passed to ``fill``.
        fill: called in the application context with the URL of the database and a size; inserts the rows and returns
            the header of a credential, such as ``X-Api-Key: secret``.
        settings: changed fields of ``Settings``.
    """
    with ExitStack() as stack:
        clients = [stack.enter_context(_hub(size, fill, settings)) for size in sizes]
        # As in a web process: exclude the loaded objects from garbage collection.
        gc.collect()
        gc.freeze()
        yield clients


@contextmanager
def _hub(size: int, fill: Callable[[str, int], str], settings: dict[str, Any]) -> Iterator[FlaskClient]:
    with temporary_servers(_POSTGRES) as (postgres, valkey), tempfile.TemporaryDirectory() as storage:
        app = create_app(
            Settings(
                environment="test",
                secret_key="a secret of the benchmarks, long enough for production",
                database_url=postgres.url.replace("postgresql://", "postgresql+psycopg://"),
                redis_url=valkey.url,
                storage_dir=Path(storage),
                log_level="ERROR",
                **settings,
            )
        )
        with app.app_context():
            flask_migrate.upgrade()
            name, value = fill(postgres.url, size).split(": ")
        client = app.test_client()
        client.environ_base[f"HTTP_{name.upper().replace('-', '_')}"] = value
        yield client
        with app.app_context():
            db.engine.dispose()


def run_without_indexes(url: str, statements: str, tables: Sequence[str]) -> None:
    """Run ``statements`` without the indexes of ``tables`` and create these afterwards: five times as fast."""
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexdef NOT LIKE '%%UNIQUE%%'",
            [list(tables)],
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute(statements)
        for _, definition in indexes:
            connection.execute(definition.replace(" ON ONLY ", " ON "))  # all partitions get the index, not one table
        connection.execute("VACUUM ANALYZE")


def in_turns(requests: Sequence[Request], rounds: int, warm_up: int) -> list[list[float]]:
    """Milliseconds of each of ``requests`` in each round, after the first ``warm_up`` rounds."""
    times_of_each: list[list[float]] = [[] for _ in requests]
    for number in range(rounds + warm_up):
        for times, request in zip(times_of_each, requests, strict=True):
            started = time.perf_counter()
            request()
            if number >= warm_up:
                times.append((time.perf_counter() - started) * 1000)
    return times_of_each


def get(client: FlaskClient, path: str, rows: str | None = None) -> Request:
    """A function that requests ``path``.

    Args:
        client: client of the hub.
        path: path with query.
        rows: key of the rows in the answer; there must be at least one row.

    Raises:
        RuntimeError: by the returned function, if the status is not 200 or there are no rows.
    """

    def request() -> None:
        answer = client.get(path)
        if answer.status_code != 200 or (rows and not (answer.json or {})[rows]):
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")

    return request
