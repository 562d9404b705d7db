"""Endpoints keep the token that made them: they have no more rights than this token."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

FOREIGN_KEY = "fk_webhook_endpoints_token_id_access_tokens"
#: The audit trail names who made an endpoint.
MADE_BY_TOKENS = """
    UPDATE webhook_endpoints SET token_id = access_tokens.id
    FROM audit_entries JOIN access_tokens ON audit_entries.actor = 'token:' || access_tokens.id
    WHERE audit_entries.action = 'webhook_endpoint.created'
        AND audit_entries.subject = 'webhook_endpoint:' || webhook_endpoints.id
"""


def upgrade() -> None:
    op.add_column("webhook_endpoints", sa.Column("token_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f(FOREIGN_KEY), "webhook_endpoints", "access_tokens", ["token_id"], ["id"], postgresql_not_valid=True
    )
    # Validating reads the table under a lock that lets others read and write.
    op.execute(f"ALTER TABLE webhook_endpoints VALIDATE CONSTRAINT {FOREIGN_KEY}")
    op.execute(MADE_BY_TOKENS)


def downgrade() -> None:
    op.drop_constraint(op.f(FOREIGN_KEY), "webhook_endpoints", type_="foreignkey")
    op.drop_column("webhook_endpoints", "token_id")
