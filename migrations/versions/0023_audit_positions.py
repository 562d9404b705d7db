"""Entries of the audit trail have a position for readers, and indexes for the search by actor and subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

TABLE = "audit_entries"
UNIQUE = "uq_audit_entries_position"
#: Name, columns and condition of each new index.
INDEXES = (
    ("ix_audit_entries_actor", ["actor", "id"], None),
    ("ix_audit_entries_subject", ["subject", "id"], None),
    ("ix_audit_entries_unplaced", ["id"], "position IS NULL"),
)


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("position", sa.BigInteger(), nullable=True))
    with op.get_context().autocommit_block():
        for name, columns, where in INDEXES:
            # An interrupted run leaves an invalid index of this name.
            op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
            condition = sa.text(where) if where else None
            op.create_index(name, TABLE, columns, postgresql_where=condition, postgresql_concurrently=True)
    # No row has a position yet, so the constraint is checked at once.
    op.create_unique_constraint(op.f(UNIQUE), TABLE, ["position"])


def downgrade() -> None:
    op.drop_constraint(op.f(UNIQUE), TABLE, type_="unique")
    with op.get_context().autocommit_block():
        for name, _columns, _where in INDEXES:
            op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
    op.drop_column(TABLE, "position")
