"""Public links to the PDFs of e-invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

TABLE = "e_invoice_links"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("einvoice_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.Column("last_used_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["einvoice_id"], ["e_invoices.id"], name=op.f("fk_e_invoice_links_einvoice_id_e_invoices"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_e_invoice_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_e_invoice_links_token_hash")),
    )
    op.create_index("ix_e_invoice_links_einvoice_id_id", TABLE, ["einvoice_id", "id"])


def downgrade() -> None:
    op.drop_table(TABLE)
