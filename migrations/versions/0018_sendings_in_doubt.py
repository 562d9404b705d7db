"""A sending to a provider is in doubt when its response did not come; sendings are found by e-invoice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

TABLE = "e_invoice_sendings"
BY_EINVOICE, FAILED = f"ix_{TABLE}_einvoice_id_id", f"ix_{TABLE}_failed"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("in_doubt", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    # Whether the provider stored an earlier attempt is not known; the next attempt looks it up.
    op.execute(f"UPDATE {TABLE} SET in_doubt = true WHERE state = 'pending' AND attempts > 0")
    with op.get_context().autocommit_block():
        _create_index(BY_EINVOICE, ["einvoice_id", "id"])
        _create_index(FAILED, ["due_at"], "state = 'failed'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in (BY_EINVOICE, FAILED):
            op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
    op.drop_column(TABLE, "in_doubt")


def _create_index(name: str, columns: list[str], where: str | None = None) -> None:
    # An interrupted run leaves an invalid index of this name.
    op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
    op.create_index(
        name, TABLE, columns, postgresql_where=sa.text(where) if where else None, postgresql_concurrently=True
    )
