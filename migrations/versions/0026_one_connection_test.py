"""One connection test of a provider account at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("provider_accounts", sa.Column("testing_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("provider_accounts", "testing_until")
