"""A chain of records for each owner of e-invoices; a chain begins with the first record after this migration."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence_chains",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("chain_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("position >= 0", name=op.f("ck_evidence_chains_position")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_evidence_chains_owner_id")),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_evidence_chains")),
    )
    op.create_table(
        "evidence_entries",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("einvoice_id", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("source_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("position >= 1", name=op.f("ck_evidence_entries_position")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["evidence_chains.owner_id"], name=op.f("fk_evidence_entries_owner_id")
        ),
        sa.PrimaryKeyConstraint("owner_id", "position", name=op.f("pk_evidence_entries")),
    )
    op.create_index("ix_evidence_entries_einvoice_id", "evidence_entries", ["einvoice_id", "position"])


def downgrade() -> None:
    op.drop_table("evidence_entries")
    op.drop_table("evidence_chains")
