"""E-invoices are found by whole numbers, orders, addresses and ids as they begin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

INDEX = "ix_e_invoices_identifiers"
COLUMNS = ("invoice_no", "marketplace_order_no", "buyer_email", "buyer_tax_id", "provider_invoice_id")
WHOLE = ", ".join(f"nullif(lower(translate({column}, 'ıİ', 'ii')), '')" for column in COLUMNS)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # One that was interrupted leaves an index that is of no use, under this name.
        op.drop_index(INDEX, "e_invoices", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            INDEX,
            "e_invoices",
            [sa.text(f"array_to_tsvector(array_remove(ARRAY[{WHOLE}], NULL))")],
            postgresql_using="gin",
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, "e_invoices", if_exists=True, postgresql_concurrently=True)
