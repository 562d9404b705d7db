"""Time zones of users: null means that of the browser."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("time_zone", sa.String(50), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "time_zone")
