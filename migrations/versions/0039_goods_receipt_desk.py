"""Columns that users chose for headings of uploaded files, and labels of chosen rolls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remembered_columns",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("heading", sa.String(100), nullable=False),
        sa.Column("column", sa.String(50), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_remembered_columns_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "kind", "heading", name=op.f("pk_remembered_columns")),
    )
    op.create_table(
        "label_prints",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("roll_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("paper", sa.String(10), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("path", sa.String(200)),
        sa.Column("sha256", sa.String(64)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_id", sa.Uuid()),
        sa.Column("error", sa.Text()),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("request_id", sa.String(128)),
        sa.CheckConstraint("paper IN ('a4', 'thermal')", name=op.f("ck_label_prints_paper")),
        sa.CheckConstraint("start >= 1", name=op.f("ck_label_prints_start")),
        sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f("ck_label_prints_state")),
        sa.CheckConstraint("(path IS NULL) = (sha256 IS NULL)", name=op.f("ck_label_prints_stored")),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["goods_receipts.id"], name=op.f("fk_label_prints_receipt_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_prints")),
    )
    op.create_index("ix_label_prints_receipt_id", "label_prints", ["receipt_id"])
    op.create_index("ix_label_prints_created_at", "label_prints", ["created_at"])
    pending, failed = sa.text("state = 'pending'"), sa.text("state = 'failed'")
    op.create_index("ix_label_prints_due", "label_prints", ["due_at"], postgresql_where=pending)
    op.create_index("ix_label_prints_failed", "label_prints", ["due_at"], postgresql_where=failed)
    op.create_index(
        "ix_label_prints_claim_id",
        "label_prints",
        ["claim_id"],
        unique=True,
        postgresql_where=sa.text("claim_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("label_prints")
    op.drop_table("remembered_columns")
