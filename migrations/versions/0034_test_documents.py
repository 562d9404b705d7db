"""Test documents: e-invoices that are issued for a test account, with numbers of series of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

#: Why it may change what the release before knows.
CONTRACTS = """
The prefix of a series becomes longer: PostgreSQL reads no row for that, and the release before writes shorter ones.
"""

TABLE = "e_invoices"
OLD, NEW = "ix_e_invoices_sales_invoice_no_in_force", "ix_e_invoices_sale_in_force"
IN_FORCE = "sales_invoice_no IS NOT NULL AND status <> 'cancelled' AND corrected_by_id IS NULL"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("is_test", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.alter_column("e_invoice_series", "prefix", type_=sa.String(20), existing_nullable=False)
    with op.get_context().autocommit_block():
        _create_index(NEW, f"{IN_FORCE} AND NOT is_test")
        op.drop_index(OLD, TABLE, if_exists=True, postgresql_concurrently=True)


def downgrade() -> None:
    # A sale may have a legal e-invoice besides test documents; before, it had one in force.
    op.execute(f"UPDATE {TABLE} SET sales_invoice_no = NULL WHERE is_test AND sales_invoice_no IS NOT NULL")
    with op.get_context().autocommit_block():
        _create_index(OLD, IN_FORCE)
        op.drop_index(NEW, TABLE, if_exists=True, postgresql_concurrently=True)
    op.execute("UPDATE e_invoice_series SET prefix = left('T-' || id, 10) WHERE length(prefix) > 10")
    op.alter_column("e_invoice_series", "prefix", type_=sa.String(10), existing_nullable=False)
    op.drop_column(TABLE, "is_test")


def _create_index(name: str, where: str) -> None:
    # An interrupted run leaves an invalid index of this name.
    op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
    op.create_index(
        name,
        TABLE,
        ["owner_id", "sales_invoice_no"],
        unique=True,
        postgresql_where=sa.text(where),
        postgresql_concurrently=True,
    )
