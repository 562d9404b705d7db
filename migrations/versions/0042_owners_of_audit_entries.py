"""Entries of the audit trail name the user whose object they are about, so that the user can read them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

TABLE, INDEX = "audit_entries", "ix_audit_entries_owner_id"
BATCH = 20_000
#: Kind of an object -> the table that knows its owner.
OWNERS = {
    "einvoice": "SELECT id, owner_id FROM e_invoices",
    "provider_account": "SELECT id, owner_id FROM provider_accounts",
    "webhook_endpoint": "SELECT id, owner_id FROM webhook_endpoints",
    "webhook_delivery": "SELECT d.id, e.owner_id FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id",
}
FILL = """
    UPDATE audit_entries SET owner_id = owned.owner_id FROM ({owners}) AS owned
    WHERE audit_entries.id > :after AND audit_entries.id <= :until AND audit_entries.owner_id IS NULL
        AND owned.id = substring(audit_entries.subject FROM '^{kind}:([0-9]{{1,18}})$')::bigint
"""


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("owner_id", sa.BigInteger(), nullable=True))
    with op.get_context().autocommit_block():
        # An interrupted run leaves an invalid index of this name.
        op.drop_index(INDEX, TABLE, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            INDEX,
            TABLE,
            ["owner_id", "id"],
            postgresql_where=sa.text("owner_id IS NOT NULL"),
            postgresql_concurrently=True,
        )
        fill()


def fill() -> None:
    """Name the owners of the entries that are there, in batches."""
    connection = op.get_bind()
    last = connection.scalar(sa.text("SELECT coalesce(max(id), 0) FROM audit_entries")) or 0
    for after in range(0, last, BATCH):
        for kind, owners in OWNERS.items():
            statement = FILL.format(kind=kind, owners=owners)
            connection.execute(sa.text(statement), {"after": after, "until": after + BATCH})


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, TABLE, if_exists=True, postgresql_concurrently=True)
    op.drop_column(TABLE, "owner_id")
