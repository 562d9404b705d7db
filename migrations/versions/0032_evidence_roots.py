"""A Merkle root for each day of a chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence_roots",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("1 <= first AND first <= last", name=op.f("ck_evidence_roots_records")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["evidence_chains.owner_id"], name=op.f("fk_evidence_roots_owner_id")
        ),
        sa.PrimaryKeyConstraint("owner_id", "day", name=op.f("pk_evidence_roots")),
    )


def downgrade() -> None:
    op.drop_table("evidence_roots")
