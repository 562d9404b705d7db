"""Runs migrations on the application's database, one process at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection, text

from app.extensions import db
from app.kernel.database.month_partitions import partition_names
from app.kernel.database.schema_migrations import require_server

log = logging.getLogger("alembic.runtime.migration")
#: Any number that nothing else in this database locks: two starts at once must not migrate together.
MIGRATION_LOCK = 5_170_461
#: Seconds between two looks whether another process has finished migrating.
PATIENCE = 0.1


def run() -> None:
    """Apply the revisions, each in a transaction of its own, so that a failed one leaves the schema as it was before.

    What a revision does in an ``autocommit_block`` (an index made ``CONCURRENTLY``) is outside of its transaction.
    """
    with db.engine.connect() as connection, alone(connection):
        require_server(connection)
        partitions = partition_names(connection)
        connection.rollback()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            compare_type=True,
            include_name=lambda name, kind, _parents: kind != "table" or name not in partitions,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Hold the lock of migrations, beyond their transactions, on the connection that they run on.

    There it also stays with a server that goes on making an index after its process was killed. It is tried again and
    again: a statement that waits for it would be waited for by ``CREATE INDEX CONCURRENTLY``, and neither would end.
    """
    waiting = False
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": MIGRATION_LOCK}):
        connection.rollback()
        if not waiting:
            log.info("another process migrates this database, or its server has not finished yet: waiting")
        waiting = True
        time.sleep(PATIENCE)
    connection.rollback()
    try:
        yield
    except BaseException:
        connection.invalidate()  # with it goes the lock, whatever state it is in
        raise
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
    connection.rollback()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=db.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    run()
