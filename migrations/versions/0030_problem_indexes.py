"""Indexes for what needs a person: PDFs that failed, and e-invoices that were rejected after they were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0030'
down_revision = "0029"
branch_labels = None
depends_on = None

REJECTED_LATER = "status IN ('sent', 'accepted') AND lower(provider_status) = 'rejected'"
#: Name, table, columns and condition of each index.
INDEXES = (
    ("ix_e_invoice_pdfs_failed", "e_invoice_pdfs", ["due_at"], "state = 'failed'"),
    ("ix_goods_receipt_pdfs_failed", "goods_receipt_pdfs", ["due_at"], "state = 'failed'"),
    ("ix_e_invoices_rejected_later", "e_invoices", ["owner_id", "id"], REJECTED_LATER),
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, columns, where in INDEXES:
            # An interrupted run leaves an invalid index of this name.
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name, table, columns, postgresql_where=sa.text(where), postgresql_concurrently=True
            )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, _columns, _where in INDEXES:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
