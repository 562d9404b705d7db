"""Pick slips and box labels of sales, rendered on demand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sales_prints",
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("paper", sa.String(10), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("is_short", sa.Boolean(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("path", sa.String(200)),
        sa.Column("sha256", sa.String(64)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_id", sa.Uuid()),
        sa.Column("error", sa.Text()),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("request_id", sa.String(128)),
        sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f("ck_sales_prints_state")),
        sa.CheckConstraint("(path IS NULL) = (sha256 IS NULL)", name=op.f("ck_sales_prints_stored")),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["sales_invoices.id"],
            name=op.f("fk_sales_prints_invoice_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("kind IN ('pick_slip', 'box_labels')", name=op.f("ck_sales_prints_kind")),
        sa.CheckConstraint("paper IN ('a4', 'thermal')", name=op.f("ck_sales_prints_paper")),
        sa.CheckConstraint("start >= 1 AND copies >= 0", name=op.f("ck_sales_prints_numbers")),
        sa.PrimaryKeyConstraint("invoice_id", "kind", "paper", "start", "copies", name=op.f("pk_sales_prints")),
    )
    pending = "state = 'pending'"
    indexes = {
        "due": (["due_at"], pending),
        "failed": (["due_at"], "state = 'failed'"),
        "turn": (["user_id", "due_at"], pending),
        "short_turn": (["user_id", "due_at"], f"{pending} AND is_short"),
        "requested_at": (["requested_at"], None),
    }
    for name, (columns, condition) in indexes.items():
        where = sa.text(condition) if condition else None
        op.create_index(f"ix_sales_prints_{name}", "sales_prints", columns, postgresql_where=where)
    op.create_index(
        "ix_sales_prints_claim_id",
        "sales_prints",
        ["claim_id"],
        unique=True,
        postgresql_where=sa.text("claim_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("sales_prints")
