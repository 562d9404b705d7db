"""What the charts of the pages count by: rows come in the order of time, so a few words per stretch are index enough.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = '0009'
down_revision = '0008'

COUNTED = ("sales_invoices", "e_invoices")


def upgrade() -> None:
    for table in COUNTED:
        op.create_index(f"ix_{table}_created_at", table, ["created_at"], postgresql_using="brin")


def downgrade() -> None:
    for table in COUNTED:
        op.drop_index(f"ix_{table}_created_at", table)
