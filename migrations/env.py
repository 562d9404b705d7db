"""Runs migrations on the application's database, one process at a time."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from app.extensions import db

#: Any number that nothing else in this database locks: two starts at once must not migrate together.
MIGRATION_LOCK = 5_170_461


def run() -> None:
    """Apply the revisions in one transaction, so that a failed upgrade leaves the schema as it was."""
    with db.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=db.metadata, compare_type=True)
        with context.begin_transaction():
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            context.run_migrations()
        connection.commit()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=db.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    run()
