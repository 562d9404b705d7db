"""One hub of each size, filled and asked in turns, over HTTP in this process."""

from __future__ import annotations

import gc
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

#: As a server of this size would be set; and what is filled here need not survive.
_POSTGRES = {
    "fsync": "off",
    "synchronous_commit": "off",
    "max_wal_size": "8GB",
    "maintenance_work_mem": "512MB",
    "shared_buffers": "1GB",
}
Ask = Callable[[], Any]


@contextmanager
def hubs(sizes: Sequence[int], fill: Callable[[str, int], str], **settings: Any) -> Iterator[list[FlaskClient]]:
    """Clients of fresh hubs, one for each size.

    Args:
        sizes: handed to ``fill``, one by one.
        fill: given the database's address and the size, within the application's context, fills it and returns the
            header of the credential, as ``X-Api-Key: secret``.
        settings: as for ``Settings``, where they differ.
    """
    with ExitStack() as stack:
        clients = [stack.enter_context(_hub(size, fill, settings)) for size in sizes]
        # As in a web process: what is loaded by now stays, and need not be looked through while requests wait.
        gc.collect()
        gc.freeze()
        yield clients


@contextmanager
def _hub(size: int, fill: Callable[[str, int], str], settings: dict[str, Any]) -> Iterator[FlaskClient]:
    with temporary_servers(_POSTGRES) as (postgres, valkey), tempfile.TemporaryDirectory() as storage:
        app = create_app(
            Settings(
                environment="test",
                secret_key="a secret of the benches, long enough for production",
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
    """Run ``statements`` with the indexes of ``tables`` made afterwards, which takes a fifth of the time."""
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexdef NOT LIKE '%%UNIQUE%%'",
            [list(tables)],
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute(statements)
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE")


def in_turns(asks: Sequence[Ask], rounds: int, warm_up: int) -> list[list[float]]:
    """Milliseconds that each of ``asks`` took, round by round, without those of the first ``warm_up`` rounds."""
    taken: list[list[float]] = [[] for _ in asks]
    for number in range(rounds + warm_up):
        for times, ask in zip(taken, asks, strict=True):
            started = time.perf_counter()
            ask()
            if number >= warm_up:
                times.append((time.perf_counter() - started) * 1000)
    return taken


def get(client: FlaskClient, path: str, rows: str | None = None) -> Ask:
    """Ask for ``path``.

    Args:
        client: of the hub.
        path: with its query.
        rows: where the answer has its rows, of which there must be some.

    Raises:
        RuntimeError: (when asked) the answer is not what is measured.
    """

    def ask() -> None:
        answer = client.get(path)
        if answer.status_code != 200 or (rows and not answer.json[rows]):
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")

    return ask
