"""The canonical form of each issued e-invoice, and the documents in legal formats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "e_invoice_canonical_forms",
        sa.Column("einvoice_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("tax_rule", sa.String(20), nullable=False),
        sa.Column("is_late", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "tax_rule IN ('per_rate', 'gst_item')", name=op.f("ck_e_invoice_canonical_forms_tax_rule")
        ),
        sa.ForeignKeyConstraint(
            ["einvoice_id"],
            ["e_invoices.id"],
            name=op.f("fk_e_invoice_canonical_forms_einvoice_id_e_invoices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("einvoice_id", name=op.f("pk_e_invoice_canonical_forms")),
    )
    op.create_table(
        "e_invoice_documents",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("einvoice_id", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(10), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("canonical_sha256", sa.String(64), nullable=True),
        sa.Column("verdict", sa.JSON(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("origin IN ('hub', 'returned')", name=op.f("ck_e_invoice_documents_origin")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_e_invoice_documents_version")),
        sa.ForeignKeyConstraint(
            ["einvoice_id"],
            ["e_invoices.id"],
            name=op.f("fk_e_invoice_documents_einvoice_id_e_invoices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_e_invoice_documents")),
        sa.UniqueConstraint("einvoice_id", "format", "version", name=op.f("uq_e_invoice_documents_einvoice_id_format_version")),
    )


def downgrade() -> None:
    op.drop_table("e_invoice_documents")
    op.drop_table("e_invoice_canonical_forms")
