"""Orders have no letter case, companies are found by tax number, and corrections come after a cancelled one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None

#: The index of the exact spelling goes, and the unique one of corrections leaves the cancelled ones out.
CONTRACTS = """
The release before looks an order up by its exact spelling. Without that index it is found among the e-invoices of its
owner and marketplace; the answers stay right. It drafts one correction of a rejected e-invoice under a lock.
"""

EINVOICES = "e_invoices"
EXACT, FOLDED = "ix_e_invoices_order", "ix_e_invoices_order_folded"
CORRECTS, CORRECTS_IN_FORCE = "ix_e_invoices_corrects_id", "ix_e_invoices_corrects_id_in_force"
SELLERS, TAX_ID = "seller_profiles", "ix_seller_profiles_tax_id"
COMPARED_TAX_ID = "upper(regexp_replace(tax_id, '[^[:alnum:]]', '', 'g'))"
OF_SALES = "type = 'sale' AND marketplace_order_no IS NOT NULL AND status <> 'cancelled' AND corrected_by_id IS NULL"
INDEXES: dict[str, dict[str, Any]] = {
    EXACT: {"columns": ["owner_id", "marketplace_order_no", "marketplace"], "postgresql_where": sa.text(OF_SALES)},
    FOLDED: {
        "columns": [
            "owner_id",
            sa.text("lower(translate(marketplace_order_no, 'ıİ', 'ii'))"),
            sa.text("lower(translate(marketplace, 'ıİ', 'ii'))"),
        ],
        "postgresql_where": sa.text(OF_SALES),
    },
    CORRECTS: {"columns": ["corrects_id"], "unique": True},
    CORRECTS_IN_FORCE: {
        "columns": ["corrects_id"],
        "unique": True,
        "postgresql_where": sa.text("status <> 'cancelled'"),
    },
}


def upgrade() -> None:
    _replace(EXACT, FOLDED)
    _replace(CORRECTS, CORRECTS_IN_FORCE)
    with op.get_context().autocommit_block():
        op.drop_index(TAX_ID, SELLERS, if_exists=True, postgresql_concurrently=True)
        op.create_index(TAX_ID, SELLERS, [sa.text(COMPARED_TAX_ID)], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(TAX_ID, SELLERS, if_exists=True, postgresql_concurrently=True)
    # The release before has one correction of each rejected e-invoice; the history still names a cancelled one.
    op.execute(
        "UPDATE e_invoices AS e SET corrects_id = NULL FROM e_invoices AS o"
        " WHERE o.id = e.corrects_id AND e.status = 'cancelled' AND o.corrected_by_id IS DISTINCT FROM e.id"
    )
    _replace(CORRECTS_IN_FORCE, CORRECTS)
    _replace(FOLDED, EXACT)


def _replace(old: str, new: str) -> None:
    with op.get_context().autocommit_block():
        # An interrupted run leaves an invalid index of this name.
        op.drop_index(new, EINVOICES, if_exists=True, postgresql_concurrently=True)
        op.create_index(new, EINVOICES, **INDEXES[new], postgresql_concurrently=True)
        op.drop_index(old, EINVOICES, if_exists=True, postgresql_concurrently=True)
