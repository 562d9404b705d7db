"""Unit prices take ten decimals; sellers have a country; sales and orders are found by their e-invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

#: The type of a column changes, and one CHECK is replaced by a narrower one.
CONTRACTS = """
The release before reads and writes unit prices of four decimals, which the new type and the new CHECK also take.
Without a limit of digits the type changes in the catalogue only: PostgreSQL writes no row again.
"""

EINVOICES, ITEMS, SELLERS = "e_invoices", "e_invoice_items", "seller_profiles"
CHECK = "ck_e_invoice_items_amounts"
BEFORE = "quantity > 0 AND unit_price >= 0 AND discount_amount >= 0"
AFTER = f"{BEFORE} AND unit_price = round(unit_price, 10)"
BY_SALE, BY_ORDER = "ix_e_invoices_sales_invoice_no", "ix_e_invoices_order"
COUNTS = "status <> 'cancelled' AND corrected_by_id IS NULL"


def upgrade() -> None:
    op.add_column(SELLERS, sa.Column("country", sa.String(2), nullable=True))
    op.add_column(
        SELLERS, sa.Column("prices_include_vat", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(EINVOICES, sa.Column("buyer_is_business", sa.Boolean(), nullable=True))
    op.add_column(
        EINVOICES, sa.Column("allow_duplicate_order", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    # With the CHECK in place, PostgreSQL would read the whole table under the lock of the change.
    op.drop_constraint(op.f(CHECK), ITEMS)
    op.execute(f"ALTER TABLE {ITEMS} ALTER COLUMN unit_price TYPE numeric")
    op.create_check_constraint(op.f(CHECK), ITEMS, AFTER, postgresql_not_valid=True)
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {ITEMS} VALIDATE CONSTRAINT {CHECK}")
        _create_index(BY_SALE, ["sales_invoice_no"], "sales_invoice_no IS NOT NULL")
        _create_index(
            BY_ORDER,
            ["owner_id", "marketplace_order_no", "marketplace"],
            f"type = 'sale' AND marketplace_order_no IS NOT NULL AND {COUNTS}",
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in (BY_SALE, BY_ORDER):
            op.drop_index(name, EINVOICES, if_exists=True, postgresql_concurrently=True)
    op.drop_constraint(op.f(CHECK), ITEMS)
    price = "least(round(unit_price, 4), 9999999999.9999)"
    op.execute(f"ALTER TABLE {ITEMS} ALTER COLUMN unit_price TYPE numeric(14, 4) USING {price}")
    op.create_check_constraint(op.f(CHECK), ITEMS, BEFORE)
    for table, name in (
        (EINVOICES, "allow_duplicate_order"),
        (EINVOICES, "buyer_is_business"),
        (SELLERS, "prices_include_vat"),
        (SELLERS, "country"),
    ):
        op.drop_column(table, name)


def _create_index(name: str, columns: list[str], where: str) -> None:
    # An interrupted run leaves an invalid index of this name.
    op.drop_index(name, EINVOICES, if_exists=True, postgresql_concurrently=True)
    op.create_index(name, EINVOICES, columns, postgresql_where=sa.text(where), postgresql_concurrently=True)
