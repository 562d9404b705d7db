"""E-invoices that a provider accepts after they were cancelled or corrected: an index that finds them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

ENDED_AFTER_ANSWER = (
    "number IS NOT NULL AND provider_status_at IS NOT NULL AND (status = 'cancelled' OR corrected_by_id IS NOT NULL)"
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        drop()  # an interrupted run leaves an invalid index
        op.create_index(
            "ix_e_invoices_ended_after_answer",
            "e_invoices",
            ["owner_id", "id"],
            postgresql_where=sa.text(ENDED_AFTER_ANSWER),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        drop()


def drop() -> None:
    op.drop_index(
        "ix_e_invoices_ended_after_answer", "e_invoices", if_exists=True, postgresql_concurrently=True
    )
