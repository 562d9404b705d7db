"""Legal documents: the format of a provider account, the document of a sending, and the facts of a supplier.

The previous release sends the fields of an e-invoice alone: set formats of accounts after all processes are updated.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

# An interrupted run can be repeated: each step finds what an earlier one left.
revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

ACCOUNTS, SENDINGS, DOCUMENTS = "provider_accounts", "e_invoice_sendings", "e_invoice_documents"
FORMATS = "document_format IN ('ubl', 'cii', 'factur-x', 'ubl-tr', 'inv-01')"
KEY = f"fk_{SENDINGS}_document_id_{DOCUMENTS}"
SUPPLIER_FACTS = {
    "tax_id": 50,
    "tax_scheme": 10,
    "tax_office": 100,
    "street": 300,
    "district": 100,
    "city": 100,
    "region": 100,
    "postcode": 20,
    "country": 2,
    "endpoint": 100,
    "endpoint_scheme": 10,
}
INDEXES = {
    "document_id": "document_id IS NOT NULL",
    "unwritten": "state = 'pending' AND document_format IS NOT NULL AND document_id IS NULL",
}


def upgrade() -> None:
    for name, length in SUPPLIER_FACTS.items():
        op.add_column("suppliers", sa.Column(name, sa.String(length), nullable=True), if_not_exists=True)
    for table in (ACCOUNTS, SENDINGS):
        op.add_column(table, sa.Column("document_format", sa.String(20), nullable=True), if_not_exists=True)
        # All rows are null, so that nothing has to be read while the table is locked.
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_document_format")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_document_format CHECK ({FORMATS}) NOT VALID")
    op.add_column(SENDINGS, sa.Column("document_id", sa.BigInteger(), nullable=True), if_not_exists=True)
    op.execute(f"ALTER TABLE {SENDINGS} DROP CONSTRAINT IF EXISTS {KEY}")
    op.execute(
        f"ALTER TABLE {SENDINGS} ADD CONSTRAINT {KEY} FOREIGN KEY (document_id) REFERENCES {DOCUMENTS} (id) "
        "ON DELETE SET NULL NOT VALID"
    )
    with op.get_context().autocommit_block():
        for table in (ACCOUNTS, SENDINGS):
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_document_format")
        op.execute(f"ALTER TABLE {SENDINGS} VALIDATE CONSTRAINT {KEY}")
        create("document_id", ["document_id"])
        create("unwritten", ["due_at"])


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            drop(name)
    op.drop_column(SENDINGS, "document_id")
    for name in SUPPLIER_FACTS:
        op.drop_column("suppliers", name)
    for table in (ACCOUNTS, SENDINGS):
        op.drop_column(table, "document_format")


def create(name: str, columns: list[Any]) -> None:
    """Create an index without a lock; an interrupted run leaves an invalid one of its name."""
    drop(name)
    where = sa.text(INDEXES[name])
    op.create_index(f"ix_{SENDINGS}_{name}", SENDINGS, columns, postgresql_concurrently=True, postgresql_where=where)


def drop(name: str) -> None:
    op.drop_index(f"ix_{SENDINGS}_{name}", SENDINGS, if_exists=True, postgresql_concurrently=True)
