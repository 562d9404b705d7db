"""Remember that a provider has the number of an e-invoice under another key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "e_invoice_sendings", sa.Column("number_taken", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("e_invoice_sendings", "number_taken")
