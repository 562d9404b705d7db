"""Previews of drafts of e-invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "e_invoice_previews",
        sa.Column("einvoice_id", sa.BigInteger(), nullable=False),
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
        sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f("ck_e_invoice_previews_state")),
        sa.CheckConstraint("(path IS NULL) = (sha256 IS NULL)", name=op.f("ck_e_invoice_previews_stored")),
        sa.ForeignKeyConstraint(
            ["einvoice_id"],
            ["e_invoices.id"],
            name=op.f("fk_e_invoice_previews_einvoice_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("einvoice_id", name=op.f("pk_e_invoice_previews")),
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
        op.create_index(f"ix_e_invoice_previews_{name}", "e_invoice_previews", columns, postgresql_where=where)
    op.create_index(
        "ix_e_invoice_previews_claim_id",
        "e_invoice_previews",
        ["claim_id"],
        unique=True,
        postgresql_where=sa.text("claim_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("e_invoice_previews")
