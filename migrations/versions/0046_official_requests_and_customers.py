"""Documents that somebody sent to be checked by the official rules; what legal documents need of customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

TABLE = "e_invoice_official_requests"
CUSTOMER_FACTS = {
    "tax_id": 50,
    "tax_scheme": 10,
    "tax_office": 100,
    "district": 100,
    "city": 100,
    "region": 100,
    "country": 2,
    "endpoint": 100,
    "endpoint_scheme": 10,
}


def upgrade() -> None:
    for name, length in CUSTOMER_FACTS.items():
        op.add_column("customers", sa.Column(name, sa.String(length), server_default="", nullable=False))
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("rules_sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("is_valid", sa.Boolean(), nullable=True),
        sa.Column("opinion", sa.JSON(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.String(128), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f(f"ck_{TABLE}_state")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("user_id", "sha256", "rules_sha256", name=op.f(f"uq_{TABLE}_user_id_sha256_rules_sha256")),
    )
    pending = sa.text("state = 'pending'")
    op.create_index(f"ix_{TABLE}_due", TABLE, ["due_at"], postgresql_where=pending)
    op.create_index(
        f"ix_{TABLE}_claim_id", TABLE, ["claim_id"], unique=True, postgresql_where=sa.text("claim_id IS NOT NULL")
    )
    op.create_index(f"ix_{TABLE}_requested_at", TABLE, ["requested_at"])
    op.create_index(f"ix_{TABLE}_waiting", TABLE, ["user_id"], postgresql_where=pending)


def downgrade() -> None:
    op.drop_table(TABLE)
    for name in CUSTOMER_FACTS:
        op.drop_column("customers", name)
