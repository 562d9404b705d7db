"""Checks of written documents by the official rules: a row for each document that has such rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

TABLE = "e_invoice_official_checks"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("document_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rules_sha256", sa.String(64), nullable=True),
        sa.Column("is_valid", sa.Boolean(), nullable=True),
        sa.Column("opinion", sa.JSON(), nullable=True),
        sa.Column("previous", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.String(128), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f(f"ck_{TABLE}_state")),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["e_invoice_documents.id"],
            name=op.f(f"fk_{TABLE}_document_id_e_invoice_documents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f(f"pk_{TABLE}")),
    )
    op.create_index(f"ix_{TABLE}_due", TABLE, ["due_at"], postgresql_where=sa.text("state = 'pending'"))
    op.create_index(
        f"ix_{TABLE}_claim_id", TABLE, ["claim_id"], unique=True, postgresql_where=sa.text("claim_id IS NOT NULL")
    )
    op.create_index(f"ix_{TABLE}_faulty", TABLE, ["document_id"], postgresql_where=sa.text("NOT is_valid"))
    op.create_index(f"ix_{TABLE}_failed", TABLE, ["document_id"], postgresql_where=sa.text("state = 'failed'"))


def downgrade() -> None:
    op.drop_table(TABLE)
