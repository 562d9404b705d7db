"""Logs that grow are partitioned by month; the rows that are there stay where they are, in the first partition.

Each table is converted by itself while the hub works: a CHECK is validated without a lock, then the table becomes the
first partition of a new one of its name, in one short transaction. No row is copied. A run that was interrupted
continues with the table that it had not finished.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

CONTRACTS = (
    "each table keeps its name and columns. Unique constraints beside the primary key hold in each partition, the relay "
    "and the sequences give each number once, and no statement names these constraints. Attempts whose delivery the "
    "previous release deletes meanwhile are removed with their month"
)
#: Ids of one month: more than a hub can write in a month.
WIDTH = 10**10
MONTHS_AHEAD = 3
#: Milliseconds for which writers may wait behind the short transaction: below PostgreSQL's ``deadlock_timeout``, so that
#: the migration gives up, and not a writer that has locked two tables in another order.
LOCK_MILLISECONDS = 400
#: How often it is tried, and seconds between two attempts.
TRIES, PAUSE = 120, 1


class Log(NamedTuple):
    """A table that grows: column of its partitions, and the names and columns of its unique indexes beside the key."""

    table: str
    key: str = "id"
    uniques: Mapping[str, str] = MappingProxyType({})


DELIVERIES, ATTEMPTS = "webhook_deliveries", "webhook_attempts"
LOGS = (
    Log("events", uniques={"uq_events_position": "position"}),
    Log("api_calls"),
    Log("audit_entries", uniques={"ix_audit_entries_position": "position"}),
    Log(
        DELIVERIES,
        uniques={
            "uq_webhook_deliveries_endpoint_id_position": "endpoint_id, position",
            "uq_webhook_deliveries_endpoint_id_sequence": "endpoint_id, sequence",
        },
    ),
    Log(ATTEMPTS, key="delivery_id"),
)
FOREIGN_KEY = f"fk_{ATTEMPTS}_delivery_id"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for log in LOGS:
            if not is_partitioned(log.table):
                convert(log)
            make_months(log)
            op.execute(f"ANALYZE {log.table}")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for log in reversed(LOGS):
            if is_partitioned(log.table):
                run_briefly(statements_of_one_table(log))
                op.execute(f"ANALYZE {log.table}")
        known = f"SELECT FROM {DELIVERIES} d WHERE d.id = {ATTEMPTS}.delivery_id"
        op.execute(f"DELETE FROM {ATTEMPTS} WHERE NOT EXISTS ({known})")
        references = f"FOREIGN KEY (delivery_id) REFERENCES {DELIVERIES} (id) ON DELETE CASCADE"
        run_briefly(
            [
                f"ALTER TABLE {ATTEMPTS} DROP CONSTRAINT IF EXISTS {FOREIGN_KEY}",
                f"ALTER TABLE {ATTEMPTS} ADD CONSTRAINT {FOREIGN_KEY} {references} NOT VALID",
            ]
        )
        op.execute(f"ALTER TABLE {ATTEMPTS} VALIDATE CONSTRAINT {FOREIGN_KEY}")


def is_partitioned(table: str) -> bool:
    return scalar(f"SELECT relkind = 'p' FROM pg_class WHERE oid = '{table}'::regclass")


def convert(log: Log) -> None:
    """Make the table the first partition of a new table of its name."""
    check = f"ck_{log.table}_first"
    find = f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{check}'"
    if not (definition := scalar(find)):
        upper = first_upper(log)
        run_briefly([f"ALTER TABLE {log.table} ADD CONSTRAINT {check} CHECK ({log.key} < {upper}) NOT VALID"])
        definition = scalar(find)
    op.execute(f"ALTER TABLE {log.table} VALIDATE CONSTRAINT {check}")
    [upper] = re.findall(r"\d{9,}", definition)
    run_briefly(statements_of_partitions(log, check, int(upper)))


def first_upper(log: Log) -> int:
    """The first id of the first month partition: far enough beyond the ids of this month."""
    if log.table == ATTEMPTS:
        return scalar(f"SELECT min({upper_bound()}) FROM {partitions_of(DELIVERIES)}")
    last = scalar(f"SELECT last_value FROM {sequence_of(log.table)}")
    return int((last + WIDTH // 2) // WIDTH + 1) * WIDTH


def statements_of_partitions(log: Log, check: str, upper: int) -> list[str]:
    """Rename the table, make a partitioned one of its name, and attach the first to the second."""
    table, first = log.table, f"{log.table}_first"
    indexes, references = indexes_of(table), constraints_of(table, "f")
    [primary] = constraints_of(table, "p")
    statements = [f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"]
    if table == DELIVERIES:
        statements.append(f"ALTER TABLE {ATTEMPTS} DROP CONSTRAINT IF EXISTS {FOREIGN_KEY}")
    statements.append(f"ALTER TABLE {table} RENAME TO {first}")
    statements += [f"ALTER INDEX {index.name} RENAME TO {index.name}_first" for index in indexes]
    statements += [
        f"CREATE TABLE {table} (LIKE {first} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) "
        f"PARTITION BY RANGE ({log.key})",
        f"ALTER TABLE {table} DROP CONSTRAINT {check}",
        *(f"ALTER TABLE {table} ADD CONSTRAINT {c.name} {c.definition}" for c in (primary, *references)),
        *(index.definition for index in indexes if not index.is_unique),
    ]
    if sequence := sequence_of(table):
        statements += [*moved_sequence(sequence, table), f"ALTER TABLE {first} ALTER id DROP IDENTITY"]
    statements += [
        f"ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ({upper})",
        f"ALTER TABLE {first} DROP CONSTRAINT {check}",
    ]
    return statements


def moved_sequence(sequence: str, table: str) -> list[str]:
    """Statements that give ``table`` a sequence of the same name and next value."""
    bare = sequence.removeprefix("public.")
    return [
        f"ALTER SEQUENCE {sequence} RENAME TO {bare}_old",
        f"ALTER TABLE {table} ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME {sequence})",
        f"SELECT setval('{sequence}', last_value, is_called) FROM {bare}_old",
    ]


def make_months(log: Log) -> None:
    """Make the partitions of the next months; the first partition takes the rows of the present one."""
    for name, lower, upper in months_of_deliveries() if log.table == ATTEMPTS else next_months(log):
        if scalar(f"SELECT to_regclass('{name}') IS NOT NULL"):
            continue
        uniques = (f"CREATE UNIQUE INDEX ON {name} ({columns})" for columns in log.uniques.values())
        made = [f"CREATE TABLE {name} (LIKE {log.table} INCLUDING ALL EXCLUDING IDENTITY)", *uniques]
        attach = f"ALTER TABLE {log.table} ATTACH PARTITION {name} FOR VALUES FROM ({lower}) TO ({upper})"
        run_briefly([*made, attach])


def next_months(log: Log) -> Iterator[tuple[str, int, int]]:
    """Name, first id and end of the partitions of the next months."""
    now = datetime.now(UTC)
    for ahead in range(1, MONTHS_AHEAD + 1):
        year, month = divmod(now.year * 12 + now.month - 1 + ahead, 12)
        lower = scalar(f"SELECT max({upper_bound()}) FROM {partitions_of(log.table)}")
        yield f"{log.table}_{year}_{month + 1:02}", lower, lower + WIDTH


def months_of_deliveries() -> list[tuple[str, int, int]]:
    """The same for attempts: each month as the deliveries have it, also when a month began since these were made."""
    of_month = f"SELECT relname, {upper_bound()} FROM {partitions_of(DELIVERIES)} ORDER BY 2"
    found = op.get_bind().exec_driver_sql(of_month).all()
    pairs = zip(found, found[1:], strict=False)
    return [(name.replace(DELIVERIES, ATTEMPTS), lower, upper) for (_, lower), (name, upper) in pairs]


def statements_of_one_table(log: Log) -> list[str]:
    """Move the rows of all months to the first partition, and make it the table again."""
    table, first = log.table, f"{log.table}_first"
    columns = ", ".join(column["name"] for column in sa.inspect(op.get_bind()).get_columns(table))
    has_first = scalar(f"SELECT to_regclass('{first}') IS NOT NULL")
    indexes = indexes_of(table)
    like = "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE"
    begin = f"ALTER TABLE {table} DETACH PARTITION {first}" if has_first else f"CREATE TABLE {first} (LIKE {table} {like})"
    statements = [
        f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
        begin,
        f"INSERT INTO {first} ({columns}) SELECT {columns} FROM {table}",
    ]
    if sequence := sequence_of(table):
        statements += moved_sequence(sequence, first)
    references, [primary] = constraints_of(table, "f"), constraints_of(table, "p")
    statements += [f"DROP TABLE {table}", f"ALTER TABLE {first} RENAME TO {table}"]
    if has_first:
        names = (*(index.name for index in indexes), *log.uniques)
        return statements + [f"ALTER INDEX {name}_first RENAME TO {name}" for name in names]
    added = (f"ADD CONSTRAINT {c.name} {c.definition}" for c in (primary, *references))
    statements += [f"ALTER TABLE {table} {each}" for each in added]
    statements += [f"CREATE UNIQUE INDEX {name} ON {table} ({columns})" for name, columns in log.uniques.items()]
    constraints = (name for name in log.uniques if name.startswith("uq_"))
    statements += [f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}" for name in constraints]
    return statements + [index.definition for index in indexes if not index.is_unique]


def partitions_of(table: str) -> str:
    return f"pg_class JOIN pg_inherits ON inhrelid = oid WHERE inhparent = '{table}'::regclass"


def upper_bound() -> str:
    return "substring(pg_get_expr(relpartbound, oid) FROM '[(]''?([0-9]+)''?[)]$')::bigint"


class Named(NamedTuple):
    """An index or a constraint, and its definition in SQL."""

    name: str
    definition: str
    is_unique: bool = False


def indexes_of(table: str) -> list[Named]:
    found = f"""
        SELECT c.relname, pg_get_indexdef(i.indexrelid), i.indisunique FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = '{table}'::regclass ORDER BY 1
    """
    return [Named(*row) for row in op.get_bind().exec_driver_sql(found)]


def constraints_of(table: str, kind: str) -> list[Named]:
    found = f"""
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = '{table}'::regclass AND contype = '{kind}' AND conparentid = 0 ORDER BY 1
    """
    return [Named(*row) for row in op.get_bind().exec_driver_sql(found)]


def sequence_of(table: str) -> str | None:
    """The sequence of the ids of a table; attempts have none."""
    has_id = f"SELECT true FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = 'id'"
    return scalar(f"SELECT pg_get_serial_sequence('{table}', 'id')") if scalar(has_id) else None


def scalar(statement: str) -> Any:
    return op.get_bind().exec_driver_sql(statement).scalar()


def run_briefly(statements: list[str]) -> None:
    """Run the statements as one transaction, which is tried again when it does not get its locks soon."""
    script = "; ".join([f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'", *statements])
    for tried in range(1, TRIES + 1):
        try:
            op.get_bind().exec_driver_sql(script)
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", "") != "55P03" or tried == TRIES:
                raise
            time.sleep(PAUSE)
        else:
            return
