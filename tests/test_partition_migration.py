"""The migration to month partitions: under writers, after an interruption, and back with rows in several months."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from sqlalchemy import text

from app.config import Settings
from app.extensions import db
from app.kernel.database import schema_migrations
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.operations.tasks import make_partitions
from app.webhooks.models.endpoints import Endpoint
from tests.factories import a_user
from tests.own_database import partition_names
from tests.test_migrations import shape

pytestmark = pytest.mark.slow

BEFORE, REVISION = "0049", "0050"
TABLES = ("events", "api_calls", "audit_entries", "webhook_deliveries", "webhook_attempts")
#: A row of each table, as the release before writes it.
ROWS = (
    "INSERT INTO events (uuid, type, subject_id, body, created_at) VALUES (gen_random_uuid(), 't', 1, '{}', now())",
    "INSERT INTO api_calls (credential, method, path, status, milliseconds, request_id, created_at) "
    "VALUES ('user:1', 'GET', '/', 200, 1, 'r', now())",
    "INSERT INTO audit_entries (action, actor, subject, details, created_at) VALUES ('a', 'user:1', 's', '{}', now())",
    "WITH new AS (INSERT INTO webhook_deliveries "
    "(endpoint_id, position, event_id, event, subject_id, sequence, due_at, created_at) "
    "SELECT 1, n, gen_random_uuid(), 't', 1, n, now(), now() "
    "FROM (SELECT floor(random() * 1e15)::bigint) r(n) RETURNING id) "
    "INSERT INTO webhook_attempts (delivery_id, number, outcome, started_at, url, request_headers) "
    "SELECT id, 1, 'failed', now(), 'u', '{}' FROM new "
    "ON CONFLICT (delivery_id, number) DO NOTHING",
)


@pytest.fixture(autouse=True)
def _endpoint(own_database: Hub) -> None:
    with unit_of_work():
        db.session.add(Endpoint(owner_id=a_user().id, url="https://example.com", events=["*"], secret=b"x"))


def write() -> None:
    with db.engine.begin() as connection:
        for statement in ROWS:
            connection.execute(text(statement))


def execute(statement: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(text(statement))


def scalar(statement: str) -> Any:
    with db.engine.begin() as connection:
        return connection.scalar(text(statement))


def ids(table: str) -> list[int]:
    key = "delivery_id" if table == "webhook_attempts" else "id"
    with db.engine.connect() as connection:
        return list(connection.scalars(text(f"SELECT {key} FROM {table} ORDER BY 1")))


def shape_without_predicates() -> set[tuple[str, str]]:
    """The same predicate of an index has another text when it is read from its text again."""
    return {(table, re.sub(r" WHERE .*", "", part)) for table, part in shape(db.engine)}


@pytest.fixture
def three_months(months: Callable[[int], str]) -> dict[str, list[int]]:
    """A row of each table in each of three months; the ids in each table."""
    write()
    for count in (1, 2):
        months(count)
        make_partitions.apply()
        write()
    return {table: ids(table) for table in TABLES}


def test_rows_of_all_months_go_back_to_one_table_and_on_again(three_months: dict[str, list[int]]) -> None:
    assert all(len(found) == 3 and found[-1] > 10**10 for found in three_months.values())
    flask_migrate.downgrade(revision=BEFORE)
    assert {table: ids(table) for table in TABLES} == three_months
    write()
    assert scalar("SELECT max(id) FROM events") == three_months["events"][-1] + 1
    execute("DELETE FROM webhook_deliveries")
    assert ids("webhook_attempts") == []  # the foreign key is back
    flask_migrate.upgrade(revision=REVISION)
    assert ids("events")[:3] == three_months["events"]
    assert partition_names("events")[0] == "events_first"
    write()
    assert scalar("SELECT max(id) FROM events") == three_months["events"][-1] + 2


def test_it_goes_back_after_the_first_partitions_are_gone(
    own_database: Hub, three_months: dict[str, list[int]]
) -> None:
    flask_migrate.downgrade(revision=BEFORE)
    before = shape_without_predicates()
    flask_migrate.upgrade(revision=REVISION)
    for table in TABLES:
        execute(f"DELETE FROM {table}; DROP TABLE {table}_first")
    flask_migrate.downgrade(revision=BEFORE)
    assert shape_without_predicates() == before


def test_a_number_is_given_once_after_the_way_back(three_months: dict[str, list[int]]) -> None:
    execute("UPDATE events SET position = 1 WHERE id = 1")
    flask_migrate.downgrade(revision=BEFORE)
    with pytest.raises(Exception, match="uq_events_position"):
        execute("UPDATE events SET position = 1")


@contextmanager
def writers(own_database: Hub, count: int) -> Iterator[Callable[[], int]]:
    """Write rows in the background; the function ends it and returns how many of each table were written."""
    ended = threading.Event()

    def run() -> int:
        written = 0
        with own_database.app_context():
            while not ended.is_set():
                write()
                written += 1
        return written

    with ThreadPoolExecutor(count) as pool:
        running = [pool.submit(run) for _ in range(count)]

        def end() -> int:
            ended.set()
            return sum(each.result(60) for each in running)

        try:
            yield end
        finally:
            ended.set()


def test_the_release_before_writes_meanwhile(own_database: Hub) -> None:
    flask_migrate.downgrade(revision=BEFORE)
    with writers(own_database, 2) as end:
        flask_migrate.upgrade(revision=REVISION)
        time.sleep(0.3)
        written = end()
    assert written > 20
    assert {table: len(set(ids(table))) for table in TABLES} == dict.fromkeys(TABLES, written)


def test_attempts_without_a_delivery_do_not_stop_the_way_back(own_database: Hub) -> None:
    write()
    execute("DELETE FROM webhook_deliveries")
    assert len(ids("webhook_attempts")) == 1
    flask_migrate.downgrade(revision=BEFORE)
    assert ids("webhook_attempts") == []


def test_it_waits_for_a_long_transaction(own_database: Hub) -> None:
    write()
    flask_migrate.downgrade(revision=BEFORE)
    with db.engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM events"))
        end = threading.Timer(1.5, reader.rollback)
        end.start()
        flask_migrate.upgrade(revision=REVISION)
        end.join()
    assert len(partition_names("events")) == 4


def test_it_gives_up_its_locks_before_a_writer_gets_a_deadlock_error(own_database: Hub) -> None:
    migration = schema_migrations.scripts().get_revision(REVISION).module
    deadlock_timeout = scalar("SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'")
    assert 0 < migration.LOCK_MILLISECONDS < deadlock_timeout


def test_an_interrupted_run_goes_on_where_it_was(own_database: Hub, settings: Settings) -> None:
    write()
    flask_migrate.downgrade(revision=BEFORE)
    variables = {"HUB_ENV": "test", "SECRET_KEY": settings.secret_key, "STORAGE_DIR": str(settings.storage_dir)}
    url = db.engine.url.render_as_string(hide_password=False)
    environment = {**os.environ, **variables, "DATABASE_URL": url, "REDIS_URL": settings.redis_url}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade", REVISION]
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%audit_entries%'"
    with db.engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM audit_entries"))
        with subprocess.Popen(
            command, cwd=Path(__file__).parents[1], env=environment, stderr=subprocess.DEVNULL
        ) as run:
            until = time.monotonic() + 60
            while not scalar(waits):
                assert run.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            run.kill()
    assert [scalar(f"SELECT relkind FROM pg_class WHERE oid = '{table}'::regclass") for table in TABLES] == list(
        "pprrr"
    )
    write()
    flask_migrate.upgrade(revision=REVISION)
    assert {table: len(ids(table)) for table in TABLES} == dict.fromkeys(TABLES, 2)
    assert all(len(partition_names(table)) == 4 for table in TABLES)


def test_attempts_have_the_months_of_deliveries_when_a_month_begins_between_them(own_database: Hub) -> None:
    *_, second, third, fourth = partition_names("webhook_deliveries")
    for name, earlier in zip((second, third, fourth), ("webhook_deliveries_2020_01", second, third), strict=True):
        execute(f"ALTER TABLE {name} RENAME TO {earlier}")
    execute("""
        ALTER TABLE webhook_attempts DETACH PARTITION webhook_attempts_first;
        DROP TABLE webhook_attempts;
        ALTER TABLE webhook_attempts_first RENAME TO webhook_attempts;
        ALTER INDEX pk_webhook_attempts_first RENAME TO pk_webhook_attempts
    """)
    execute(f"UPDATE alembic_version SET version_num = '{BEFORE}'")
    flask_migrate.upgrade(revision=REVISION)
    assert make_partitions.apply().get() == []
    attempts = [name.replace("attempts", "deliveries") for name in partition_names("webhook_attempts")]
    assert attempts == partition_names("webhook_deliveries")
