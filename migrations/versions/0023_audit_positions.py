"""Entries of the audit trail have a position for readers, and indexes for the search by actor and subject."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

TABLE = "audit_entries"
#: Name, columns and options of each new index.
INDEXES: tuple[tuple[str, list[str], dict[str, Any]], ...] = (
    ("ix_audit_entries_actor", ["actor", "id"], {}),
    ("ix_audit_entries_subject", ["subject", "id"], {}),
    ("ix_audit_entries_position", ["position"], {"unique": True}),
    ("ix_audit_entries_unplaced", ["id"], {"postgresql_where": sa.text("position IS NULL")}),
)


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("position", sa.BigInteger(), nullable=True))
    with op.get_context().autocommit_block():
        for name, columns, options in INDEXES:
            # An interrupted run leaves an invalid index of this name.
            op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, TABLE, columns, postgresql_concurrently=True, **options)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, _columns, _options in INDEXES:
            op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
    op.drop_column(TABLE, "position")
