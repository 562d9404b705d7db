"""Month partitions: made ahead, used when their month begins, repaired; no row is lost or gets an id twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.kernel import clock
from app.kernel.database import month_partitions
from app.kernel.database.month_partitions import WIDTH, Partition
from app.kernel.http.app import Hub
from app.operations.cli import hub
from app.operations.tasks import make_partitions
from tests.operations.test_doctor import State, findings
from tests.own_database import partition_names

TABLE = "events"
INSERT = "INSERT INTO events (uuid, type, subject_id, body, created_at) VALUES (gen_random_uuid(), 't', 1, '{}', now())"
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_database")]


def execute(statement: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(text(statement))


def insert(connection: Connection) -> int:
    row_id: int = connection.scalar(text(f"{INSERT} RETURNING id"))
    return row_id


def inserted() -> tuple[int, str]:
    """Insert an event: its id, and the partition that it went to."""
    with db.engine.begin() as connection:
        row_id = insert(connection)
        return row_id, connection.scalar(
            text("SELECT tableoid::regclass::text FROM events WHERE id = :id"), {"id": row_id}
        )


def test_the_migration_makes_the_next_three_months(months: Callable[[int], str]) -> None:
    assert partition_names(TABLE) == [f"{TABLE}_first", *(f"{TABLE}_{months(count)}" for count in (1, 2, 3))]


def test_rows_go_to_the_partition_of_their_month(months: Callable[[int], str]) -> None:
    assert make_partitions.apply().get() == []
    assert inserted() == (1, f"{TABLE}_first")
    fourth, now = months(4), months(1)
    assert f"{TABLE}_{fourth}" in make_partitions.apply().get()
    assert inserted() == (WIDTH, f"{TABLE}_{now}")
    assert make_partitions.apply().get() == []
    assert inserted() == (WIDTH + 1, f"{TABLE}_{now}")


def test_rows_go_on_in_the_partition_before_while_no_task_runs(months: Callable[[int], str]) -> None:
    months(30)
    assert inserted() == (1, f"{TABLE}_first")
    now = months(31)
    make_partitions.apply()
    assert inserted()[1] == f"{TABLE}_{now}"


def test_ids_stay_unique_while_months_begin(own_database: Hub, months: Callable[[int], str]) -> None:
    make_partitions.apply()
    months(1)
    ended = threading.Event()

    def write() -> list[int]:
        ids = []
        with own_database.app_context(), db.engine.connect() as connection:
            while not ended.is_set():
                ids.append(insert(connection))
                connection.commit()
        return ids

    def begin_months() -> None:
        with own_database.app_context():
            for _ in range(20):
                month_partitions.make_ahead(clock.now())

    with ThreadPoolExecutor(5) as pool:
        writers = [pool.submit(write) for _ in range(3)]
        tasks = [pool.submit(begin_months) for _ in range(2)]
        wait(tasks, timeout=60)
        ended.set()
        for task in tasks:
            task.result(0)
        ids = [row_id for writer in writers for row_id in writer.result(60)]
    assert len(ids) == len(set(ids)) > 50
    assert min(ids) < WIDTH < max(ids) < 2 * WIDTH + 10**6


def test_a_clock_that_was_wrong_is_reported(months: Callable[[int], str]) -> None:
    wrong = f"{TABLE}_{months(12)}"
    make_partitions.apply()
    assert inserted()[1] == wrong
    months(1)
    assert len(month_partitions.drop_expired(TABLE, clock.now())) == 4  # nothing was written in the months before
    assert (make_partitions.apply().get(), inserted()[1]) == ([], wrong)
    assert wrong in findings("attention", worst=State.WARNING)
    months(12)
    assert "clock was wrong" not in findings("attention")


def test_two_purges_at_once_are_harmless(own_database: Hub, months: Callable[[int], str]) -> None:
    begun = threading.Barrier(2)

    def drop() -> list[str]:
        with own_database.app_context():
            begun.wait(10)
            return month_partitions.drop_expired(TABLE, clock.now())

    for count in range(0, 16, 4):
        for later in range(4):
            months(count + later)
            make_partitions.apply()
        with ThreadPoolExecutor(2) as pool:
            dropped = [name for task in [pool.submit(drop) for _ in range(2)] for name in task.result(30)]
        assert len(set(dropped)) == len(dropped) >= 3


class TestLocks:
    def test_open_transactions_of_writers_and_readers_do_not_matter(self, months: Callable[[int], str]) -> None:
        months(2)
        with db.engine.connect() as writer, db.engine.connect() as reader:
            insert(writer)
            reader.execute(text("SELECT count(*) FROM events"))
            assert len(make_partitions.apply().get()) >= 2
            insert(writer)
            writer.commit()

    def test_a_change_gives_up_before_a_writer_gets_a_deadlock_error(self, months: Callable[[int], str]) -> None:
        found = []

        def look(_partition: Partition) -> bool:
            settings = "SELECT current_setting('lock_timeout')::interval, current_setting('deadlock_timeout')::interval"
            found.extend(db.session.execute(text(settings)).one())
            return False

        months(1)
        make_partitions.apply()
        month_partitions.drop_expired(TABLE, clock.now(), look)
        lock_timeout, deadlock_timeout = found
        assert timedelta() < lock_timeout < deadlock_timeout

    def test_another_error_is_raised(self, months: Callable[[int], str]) -> None:
        def fail(_partition: Partition) -> bool:
            db.session.execute(text("SET LOCAL statement_timeout = '10ms'"))
            db.session.execute(text("SELECT pg_sleep(5)"))
            return True

        months(1)
        make_partitions.apply()
        with pytest.raises(OperationalError, match="statement timeout"):
            month_partitions.drop_expired(TABLE, clock.now(), fail)

    def test_a_busy_table_is_left_for_the_next_run(self, months: Callable[[int], str]) -> None:
        months(1)
        with db.engine.connect() as other:
            other.execute(text("LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE"))
            assert not [name for name in make_partitions.apply().get() if name.startswith(TABLE)]
        assert [name for name in make_partitions.apply().get() if name.startswith(TABLE)]


class TestMissing:
    def test_a_missing_partition_is_a_fault_until_it_is_made_again(
        self, own_database: Hub, months: Callable[[int], str]
    ) -> None:
        make_partitions.apply()
        assert "artitions" not in findings("attention")
        gone = f"{TABLE}_{months(2)}"
        months(1)
        make_partitions.apply()
        execute(f"DROP TABLE {gone}")
        assert f"missing: {gone}" in findings("attention", worst=State.FAULT)
        assert inserted()[1] == f"{TABLE}_{months(1)}"
        result = own_database.test_cli_runner().invoke(args=["hub", "partitions"])
        there = "The partitions of this month and the next one are there.\n"
        assert (result.exit_code, result.output) == (0, f"{gone} was made.\n{there}")
        months(2)
        make_partitions.apply()
        assert inserted()[1] == gone

    def test_a_start_that_cannot_make_it_is_refused(
        self, own_database: Hub, months: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "BUSY_SECONDS", 0.0)
        gone = f"{TABLE}_{months(1)}"
        execute(f"DROP TABLE {gone}")
        with db.engine.connect() as other:
            other.execute(text("LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE"))
            for words in (["wait-for-schema", "--seconds", "0"], ["partitions"], ["migrate"]):
                result = own_database.test_cli_runner().invoke(args=["hub", *words])
                assert (result.exit_code, result.output) == (
                    1,
                    f"Error: Month partitions are missing: {gone}. Try again in a minute.\n",
                )

    def test_a_start_waits_for_a_busy_table_and_makes_it(self, own_database: Hub, months: Callable[[int], str]) -> None:
        gone = f"{TABLE}_{months(1)}"
        execute(f"DROP TABLE {gone}")
        with db.engine.connect() as other:
            other.execute(text("LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE"))
            threading.Timer(0.6, other.rollback).start()
            result = own_database.test_cli_runner().invoke(args=["hub", "migrate"])
        assert (result.exit_code, gone in partition_names(TABLE)) == (0, True), result.output

    def test_a_table_without_any_partition_works_again(self, own_database: Hub) -> None:
        last, _ = inserted()
        execute("; ".join(f"DROP TABLE {name}" for name in partition_names(TABLE)))
        assert make_partitions.apply().get()[0].startswith(TABLE)
        assert inserted()[0] > last


def test_a_new_partition_has_what_the_table_has(months: Callable[[int], str]) -> None:
    indexes = """
        SELECT regexp_replace(indexdef, '^(CREATE (UNIQUE )?INDEX).* USING', '\\1') FROM pg_indexes
        WHERE tablename = :name ORDER BY 1
    """
    name = f"{TABLE}_{months(4)}"
    months(1)
    make_partitions.apply()
    with db.engine.connect() as connection:
        found = [connection.scalars(text(indexes), {"name": each}).all() for each in (f"{TABLE}_first", name)]
    assert found[0] == found[1] != []


def test_the_planner_learns_the_size_of_the_table_each_month(months: Callable[[int], str]) -> None:
    for count in (1, 2):
        inserted()
        months(count)
        make_partitions.apply()
        with db.engine.connect() as connection:
            rows = connection.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'events'::regclass"))
        assert rows == count


def test_a_row_gets_its_id_soon_after_its_time(months: Callable[[int], str]) -> None:
    """Removal of a partition rests on it: the newest time is among the last ids."""
    inserted()
    [first, *_] = month_partitions.list_partitions(TABLE)
    newest = month_partitions.newest_moment(first)
    assert newest
    assert timedelta(minutes=59) < newest - datetime.now(UTC) <= month_partitions.LONGEST_INSERT
