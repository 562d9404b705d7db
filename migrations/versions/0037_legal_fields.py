"""Fields that legal formats need: of e-invoices, their items and sellers. All are empty in the rows that exist."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

AMOUNT = sa.Numeric(18, 3)
COLUMNS: dict[str, dict[str, Any]] = {
    "e_invoices": {
        "official_no": sa.String(50),
        "uuid": sa.Uuid(),
        "due_date": sa.Date(),
        "prepaid_amount": AMOUNT,
        "rounding_amount": AMOUNT,
        "withholding_total": AMOUNT,
        "payable": AMOUNT,
        "tax_rule": sa.String(20),
        "is_interstate": sa.Boolean(),
        "canonical_sha256": sa.String(64),
        "legal": sa.JSON(),
        "buyer_legal": sa.JSON(),
    },
    "e_invoice_items": {
        "unit": sa.String(10),
        "vat_category": sa.String(2),
        "exemption_code": sa.String(40),
        "exemption_reason": sa.String(300),
        "withholding_code": sa.String(10),
        "withholding_rate": sa.Numeric(5, 2),
        "withheld_amount": AMOUNT,
        "hsn": sa.String(8),
        "is_service": sa.Boolean(),
        "gtin": sa.String(14),
        "batch": sa.String(100),
        "expiry": sa.Date(),
        "serials": sa.JSON(),
        "discount_reason": sa.String(200),
        "discount_reason_code": sa.String(10),
        "origin_country": sa.String(2),
        "buyer_item_code": sa.String(100),
        "description": sa.String(1000),
        "order_line": sa.String(50),
    },
    "seller_profiles": {
        "tax_scheme": sa.String(10),
        "legal_profiles": sa.JSON(),
        "payment_days": sa.Integer(),
        "legal": sa.JSON(),
    },
}
CHECKS = (
    ("ck_e_invoices_tax_rule", "e_invoices", "tax_rule IN ('per_rate', 'gst_item')"),
    (
        "ck_e_invoices_payable",
        "e_invoices",
        "payable = grand_total - coalesce(withholding_total, 0) - coalesce(prepaid_amount, 0)"
        " + coalesce(rounding_amount, 0)",
    ),
    (
        "ck_e_invoice_items_vat_category",
        "e_invoice_items",
        "vat_category IN ('S', 'Z', 'E', 'AE', 'K', 'G', 'O', 'L', 'M')",
    ),
    ("ck_seller_profiles_tax_rule", "seller_profiles", "tax_rule IN ('per_rate', 'gst_item')"),
    ("ck_seller_profiles_tax_scheme", "seller_profiles", "tax_scheme IN ('vkn', 'tckn', 'gstin', 'vat', 'other')"),
)
OFFICIAL_NO = "ix_e_invoices_official_no"


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.add_column(
        "seller_profiles", sa.Column("tax_rule", sa.String(20), server_default="per_rate", nullable=False)
    )
    for name, table, condition in CHECKS:
        op.create_check_constraint(op.f(name), table, condition, postgresql_not_valid=True)
    with op.get_context().autocommit_block():
        for name, table, _ in CHECKS:  # reads the table under a lock that lets others read and write
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        # An interrupted run leaves an invalid index of this name.
        op.drop_index(OFFICIAL_NO, "e_invoices", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            OFFICIAL_NO,
            "e_invoices",
            ["owner_id", "official_no"],
            unique=True,
            postgresql_where=sa.text("official_no IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index(OFFICIAL_NO, "e_invoices", if_exists=True)
    for name, table, _ in CHECKS:
        op.drop_constraint(op.f(name), table)
    op.drop_column("seller_profiles", "tax_rule")
    for table, columns in COLUMNS.items():
        for name in reversed(columns):
            op.drop_column(table, name)
