"""Endpoints limit the size of a webhook's body; a delivery stores the thin body that it sends instead."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

CHECK = "ck_webhook_endpoints_max_body_bytes"


def upgrade() -> None:
    limit = sa.Column("max_body_bytes", sa.Integer(), server_default="262144", nullable=False)
    op.add_column("webhook_endpoints", limit)
    rule = "max_body_bytes BETWEEN 1024 AND 33554432"
    op.create_check_constraint(op.f(CHECK), "webhook_endpoints", rule, postgresql_not_valid=True)
    # Validating reads the table under a lock that lets others read and write.
    op.execute(f"ALTER TABLE webhook_endpoints VALIDATE CONSTRAINT {CHECK}")
    op.add_column("webhook_deliveries", sa.Column("thin_body", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("webhook_deliveries", "thin_body")
    op.drop_constraint(op.f(CHECK), "webhook_endpoints", type_="check")
    op.drop_column("webhook_endpoints", "max_body_bytes")
