"""What became of the check of a person's decision about a sending in doubt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TABLE = "e_invoice_sendings"
CHECKED = f"ix_{TABLE}_checked"
STATES = "check_state IN ('open', 'contradicted', 'unconfirmed')"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("check_state", sa.String(20), nullable=True))
    op.create_check_constraint(op.f(f"ck_{TABLE}_check_state"), TABLE, STATES, postgresql_not_valid=True)
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT ck_{TABLE}_check_state")
        # An interrupted run leaves an invalid index of this name.
        op.drop_index(CHECKED, TABLE, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            CHECKED,
            TABLE,
            ["lane_id", "due_at"],
            postgresql_where=sa.text("check_state IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(CHECKED, TABLE, if_exists=True, postgresql_concurrently=True)
    op.drop_column(TABLE, "check_state")
