"""Columns of the lists that a user chose; null means no choice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("list_columns", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "list_columns")
