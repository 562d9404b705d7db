"""Files of an object store that are to be removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "file_removals",
        sa.Column("path", sa.String(300), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_file_removals")),
    )
    op.create_index("ix_file_removals_requested_at", "file_removals", ["requested_at"])


def downgrade() -> None:
    op.drop_table("file_removals")
