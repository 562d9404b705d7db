"""A rejected e-invoice and its correction are linked; only the correction counts for the sales invoice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

TABLE = "e_invoices"
LINKS = ("corrects_id", "corrected_by_id")
BEFORE, AFTER = "ix_e_invoices_sales_invoice_no", "ix_e_invoices_sales_invoice_no_in_force"
IS_BILLED = "sales_invoice_no IS NOT NULL AND status <> 'cancelled'"


def upgrade() -> None:
    for link in LINKS:
        name = f"fk_e_invoices_{link}_e_invoices"
        op.add_column(TABLE, sa.Column(link, sa.BigInteger(), nullable=True))
        op.create_foreign_key(op.f(name), TABLE, TABLE, [link], ["id"], postgresql_not_valid=True)
        # Validating reads the table under a lock that lets others read and write.
        op.execute(f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT {name}")
    with op.get_context().autocommit_block():
        for link in LINKS:
            _create_index(f"ix_e_invoices_{link}", [link])
        _create_index(AFTER, ["owner_id", "sales_invoice_no"], f"{IS_BILLED} AND corrected_by_id IS NULL")
        op.drop_index(BEFORE, TABLE, if_exists=True, postgresql_concurrently=True)


def downgrade() -> None:
    # Before corrections existed, an e-invoice that does not count any more was cancelled.
    op.execute(f"UPDATE {TABLE} SET status = 'cancelled' WHERE corrected_by_id IS NOT NULL")
    with op.get_context().autocommit_block():
        _create_index(BEFORE, ["owner_id", "sales_invoice_no"], IS_BILLED)
        op.drop_index(AFTER, TABLE, if_exists=True, postgresql_concurrently=True)
    for link in LINKS:
        op.drop_column(TABLE, link)


def _create_index(name: str, columns: list[str], where: str | None = None) -> None:
    # An interrupted run leaves an invalid index of this name.
    op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
    op.create_index(
        name,
        TABLE,
        columns,
        unique=True,
        postgresql_where=sa.text(where) if where else None,
        postgresql_concurrently=True,
    )
