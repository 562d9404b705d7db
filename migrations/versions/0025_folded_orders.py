"""Orders of marketplaces are compared without letter case, so their index has them in lower case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0021'
branch_labels = None
depends_on = None

#: The index of the exact spelling goes.
CONTRACTS = """
The release before looks an order up by its exact spelling. Without that index it is found among the e-invoices of its
owner and marketplace; the answers stay right.
"""

EINVOICES = "e_invoices"
EXACT, FOLDED = "ix_e_invoices_order", "ix_e_invoices_order_folded"
WHERE = "type = 'sale' AND marketplace_order_no IS NOT NULL AND status <> 'cancelled' AND corrected_by_id IS NULL"
COLUMNS = {
    EXACT: ["owner_id", "marketplace_order_no", "marketplace"],
    FOLDED: [
        "owner_id",
        sa.text("lower(translate(marketplace_order_no, 'ıİ', 'ii'))"),
        sa.text("lower(translate(marketplace, 'ıİ', 'ii'))"),
    ],
}


def upgrade() -> None:
    _replace(EXACT, FOLDED)


def downgrade() -> None:
    _replace(FOLDED, EXACT)


def _replace(old: str, new: str) -> None:
    with op.get_context().autocommit_block():
        # An interrupted run leaves an invalid index of this name.
        op.drop_index(new, EINVOICES, if_exists=True, postgresql_concurrently=True)
        op.create_index(new, EINVOICES, COLUMNS[new], postgresql_where=sa.text(WHERE), postgresql_concurrently=True)
        op.drop_index(old, EINVOICES, if_exists=True, postgresql_concurrently=True)
