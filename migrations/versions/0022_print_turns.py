"""Rows of e-invoices to print name their owner and whether they are short, so that the next one is found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

TABLE = "e_invoice_pdfs"
#: Name, condition of each index.
INDEXES = (
    (f"ix_{TABLE}_turn", "state = 'pending'"),
    (f"ix_{TABLE}_short_turn", "state = 'pending' AND is_short"),
)


def upgrade() -> None:
    # Without a value in the rows of the previous release: these come last, and are printed all the same.
    op.add_column(TABLE, sa.Column("owner_id", sa.BigInteger(), nullable=True))
    op.add_column(TABLE, sa.Column("is_short", sa.Boolean(), nullable=True))
    op.execute(
        f"UPDATE {TABLE} AS pdf SET owner_id = einvoice.owner_id FROM e_invoices AS einvoice "
        "WHERE einvoice.id = pdf.einvoice_id AND pdf.state = 'pending'"
    )
    with op.get_context().autocommit_block():
        for name, where in INDEXES:
            # An interrupted run leaves an invalid index of this name.
            op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name, TABLE, ["owner_id", "due_at"], postgresql_where=sa.text(where), postgresql_concurrently=True
            )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, _where in INDEXES:
            op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
    op.drop_column(TABLE, "is_short")
    op.drop_column(TABLE, "owner_id")
