"""Month partitions of tables that grow: their bounds, the partitions of the next months, and the removal of old ones.

A partition holds a range of ids. When a month begins, the sequence of the table jumps to the first id of its partition.
So the primary key stays the id, and a partition that is missing stops no insert: rows go on in the partition before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any

import structlog
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.kernel.unit_of_work import unit_of_work

log = structlog.get_logger(__name__)
#: Ids of one month: more than a hub can write in a month.
WIDTH = 10**10
MONTHS_AHEAD = 3
#: The longest time for which other transactions wait behind a change of the partitions. It is below PostgreSQL's
#: ``deadlock_timeout``, so that the change gives up, and not a transaction that has locked tables in another order.
LOCK_TIMEOUT = "200ms"
#: The newest time of a partition is found among so many last ids. A row gets its id at most this long after its time.
LAST_ROWS, LONGEST_INSERT = 1000, timedelta(hours=1)
#: The first partition holds the rows from before the months; it has no lower bound.
FIRST = "first"
_INFO = "month_partitions"
_BOUNDS = re.compile(r"FROM \('?(MINVALUE|\d+)'?\) TO \('?(\d+)'?\)")
_ALONE_SQL = text("SELECT pg_advisory_xact_lock(hashtextextended('month partitions', 0))")
_PARTITIONS_SQL = text("""
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = CAST(CAST(:table AS text) AS regclass)
""")


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a table is partitioned.

    Attributes:
        key: the column of the ranges.
        uniques: columns that are unique within each partition.
        leader: the table whose ids the key refers to; its partitions have the same bounds, and it has the sequence.
    """

    key: str
    uniques: tuple[tuple[str, ...], ...]
    leader: str | None


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of ``table`` with the ids from ``lower`` (None for the first partition) to below ``upper``."""

    table: str
    name: str
    lower: int | None
    upper: int

    @property
    def month(self) -> str:
        """``2026_12``; empty for the first partition."""
        suffix = self.name.removeprefix(f"{self.table}_")
        return "" if suffix == FIRST else suffix


def by_month(key: str = "id", *, uniques: Iterable[Sequence[str]] = (), leader: str | None = None) -> dict[str, Any]:
    """Options of ``__table_args__`` for a table with month partitions; see ``_Layout``."""
    layout = _Layout(key, tuple(map(tuple, uniques)), leader)
    return {"postgresql_partition_by": f"RANGE ({key})", "info": {_INFO: layout}}


def list_logs() -> list[str]:
    """Names of the tables with month partitions and a sequence of their own."""
    return [table.name for table in db.metadata.sorted_tables if (found := table.info.get(_INFO)) and not found.leader]


def list_partitions(table: str) -> list[Partition]:
    """The partitions of a table, the oldest first."""
    found = []
    for name, bounds in db.session.execute(_PARTITIONS_SQL, {"table": table}):
        if match := _BOUNDS.search(bounds or ""):  # none: another process removed it at this moment
            found.append(Partition(table, name, int(match[1]) if match[1].isdigit() else None, int(match[2])))
    return sorted(found, key=lambda partition: partition.upper)


def first_upper(table: str) -> int:
    """The bound of the first partition; 0 when that has been removed."""
    oldest = next(iter(list_partitions(table)), None)
    return oldest.upper if oldest and oldest.lower is None else 0


def list_passed(table: str) -> list[Partition]:
    """The partitions that get no new rows, because the sequence has passed their ids; the oldest first."""
    last = _last_id(table)
    return [partition for partition in list_partitions(table) if partition.upper <= last]


def newest_moment(partition: Partition) -> datetime | None:
    """A time that no row of a passed partition was created after; None when the partition is empty or removed."""
    table, key = partition.table, _layout(partition.table).key
    of_month = f"{key} < {partition.upper}" + ("" if partition.lower is None else f" AND {key} >= {partition.lower}")
    last_rows = f"SELECT created_at FROM {table} WHERE {of_month} ORDER BY {key} DESC LIMIT {LAST_ROWS}"  # noqa: S608 - our own names
    newest: datetime | None = db.session.scalar(text(f"SELECT max(created_at) FROM ({last_rows}) last"))  # noqa: S608 - as above
    return newest and newest + LONGEST_INSERT


def drop_expired(table: str, before: datetime, drop: Callable[[Partition], bool] | None = None) -> list[str]:
    """Remove the partitions of ``table`` whose rows were all created before ``before``; returns their names.

    Each is removed in a transaction of its own, the oldest first, until one has to stay. Safe to run in parallel.

    Args:
        drop: removes a partition by ``drop_with_followers``; False if it has to stay.
    """
    dropped: list[str] = []

    def remove_oldest() -> bool:
        # Looked up again each time: another process may have removed the one before.
        if not (passed := list_passed(table)):
            return False
        newest = newest_moment(passed[0])
        if (newest is None or newest < before) and (drop or drop_with_followers)(passed[0]):
            dropped.append(passed[0].name)
            return True
        return False

    while _briefly(remove_oldest):
        log.info("partition_dropped", partition=dropped[-1])
    return dropped


def drop_with_followers(partition: Partition) -> bool:
    """Drop a partition, and those of other tables that belong to it, in the current transaction."""
    followers = (each for table in _followers(partition.table) for each in list_partitions(table))
    same = [partition, *(each for each in followers if each.upper == partition.upper)]
    db.session.execute(text(f"DROP TABLE {', '.join(_quoted(each.name) for each in same)}"))
    return True


def make_ahead(moment: datetime) -> list[str]:
    """Make the partitions of the next months and begin to use that of the present month; returns what was made.

    Safe to run twice and in parallel. When a table is busy, the next run does it.
    """
    made: list[Partition] = []
    for table in list_logs():
        if _briefly(partial(_make_months, table, moment, made)):
            _briefly(partial(_enter_month, table, moment))
    for table in sorted({partition.table for partition in made}):
        with unit_of_work():
            db.session.execute(text(f"ANALYZE {table}"))  # by itself, PostgreSQL does so for the partitions only
    return [partition.name for partition in made]


def missing_months(moment: datetime) -> list[str]:
    """Names of the partitions of the present and the next month that are missing."""
    return [partition.name for table in list_logs() for partition in _list_missing(table, _months(moment, 1))]


def list_early(moment: datetime) -> list[str]:
    """Names of the partitions that new rows go to although their month has not begun: a clock was wrong."""
    [present] = _months(moment, 0)
    found = []
    for table in list_logs():
        last = _last_id(table)
        used = next((each for each in list_partitions(table) if last < each.upper), None)
        if used and used.month > present and used.lower is not None and used.lower <= last:
            found.append(used.name)
    return found


def partition_names(connection: Connection) -> set[str]:
    """Names of all partitions: tables that no model describes."""
    return set(connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")))


def _quoted(name: str) -> str:
    return f'"{name}"'


def _layout(table: str) -> _Layout:
    layout: _Layout = db.metadata.tables[table].info[_INFO]
    return layout


def _followers(leader: str) -> list[str]:
    tables: Iterable[Table] = db.metadata.sorted_tables
    return [table.name for table in tables if (found := table.info.get(_INFO)) and found.leader == leader]


def _months(moment: datetime, ahead: int) -> list[str]:
    """The present month and the next ones, as ``2026_12``."""
    numbers = (divmod(moment.year * 12 + moment.month - 1 + more, 12) for more in range(ahead + 1))
    return [f"{year}_{month + 1:02}" for year, month in numbers]


def _last_id(table: str) -> int:
    sequence = db.session.scalar(text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table})
    last: int = db.session.scalar(text(f"SELECT last_value FROM {sequence}"))  # noqa: S608 - a name of PostgreSQL
    return last


def _make_months(table: str, moment: datetime, made: list[Partition]) -> bool:
    """Make what is missing of the present and the next months, and add it to ``made``."""
    missing = _list_missing(table, _months(moment, MONTHS_AHEAD))
    for partition in missing:
        _make(partition)
    made += missing
    return True


def _list_missing(table: str, months: Iterable[str]) -> list[Partition]:
    """The partitions of ``months`` that are missing, and those that only a follower lacks."""
    there = list_partitions(table)
    partitions = list(there)
    for month in months:
        if new := _partition_between(table, month, partitions):
            partitions = sorted([*partitions, new], key=attrgetter("upper"))
    missing = []
    for each in (table, *_followers(table)):
        present = {partition.upper for partition in (there if each == table else list_partitions(each))}
        named = (replace(one, table=each, name=f"{each}_{one.month or FIRST}") for one in partitions)
        missing += [partition for partition in named if partition.upper not in present]
    return missing


def _partition_between(table: str, month: str, partitions: Sequence[Partition]) -> Partition | None:
    """The partition of ``month`` with ids between those of its neighbours; None if it is there or no ids are free."""
    earlier = [partition for partition in partitions if partition.month < month]
    later = [partition for partition in partitions if partition.month >= month]
    lower = earlier[-1].upper if earlier else _last_id(table) // WIDTH * WIDTH
    upper = min([lower + WIDTH, *(partition.lower or 0 for partition in later)])
    is_missing = month not in {partition.month for partition in later}
    return Partition(table, f"{table}_{month}", lower, upper) if is_missing and lower < upper else None


def _make(partition: Partition) -> None:
    """Make a partition and attach it, which lets other transactions read and write meanwhile."""
    name, table, layout = _quoted(partition.name), partition.table, _layout(partition.table)
    db.session.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL EXCLUDING IDENTITY)"))
    for columns in layout.uniques:
        db.session.execute(text(f"CREATE UNIQUE INDEX ON {name} ({', '.join(columns)})"))
    lower = "MINVALUE" if partition.lower is None else partition.lower
    bounds = f"FOR VALUES FROM ({lower}) TO ({partition.upper})"
    db.session.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} {bounds}"))


def _enter_month(table: str, moment: datetime) -> bool:
    """Let new rows go to the partition of the present month: their ids begin with its first one."""
    [month] = _months(moment, 0)
    for partition in list_partitions(table):
        # The lock admits one process. The sequence goes forward only: values that others take meanwhile are lower.
        if partition.month == month and partition.lower is not None and _last_id(table) < partition.lower:
            jump = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :first, false)")
            db.session.execute(jump, {"table": table, "first": partition.lower})
    return True


def _briefly(change: Callable[[], bool]) -> bool:
    """Run ``change`` in a transaction that waits for locks a moment only; False if it had to give up."""
    try:
        with unit_of_work():
            db.session.execute(text("SELECT set_config('lock_timeout', :limit, true)"), {"limit": LOCK_TIMEOUT})
            db.session.execute(_ALONE_SQL)
            return change()
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        log.warning("partitions_busy", reason=str(error.orig).strip())
        return False
