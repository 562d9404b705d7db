"""Remember that the provider refuses the credentials of the installation's settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0029'
down_revision = "0028"
branch_labels = None
depends_on = None

TABLE = "provider_lanes"
NAMES = {"refused_at": sa.DateTime(timezone=True), "refusal": sa.String(500), "refused_adapter": sa.String(50),
         "refused_settings": sa.String(64)}


def upgrade() -> None:
    for name, kind in NAMES.items():
        op.add_column(TABLE, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name in reversed(NAMES):
        op.drop_column(TABLE, name)
