"""Password attempts are counted in the database, and networks where a user signed in are known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None
#: The stored answers with a ticket are encrypted from this release on. A ticket is valid for a minute.
FORGET_PLAIN_TICKETS = """DELETE FROM idempotency_keys WHERE position('"ticket"'::bytea IN body) > 0"""


def upgrade() -> None:
    op.execute(FORGET_PLAIN_TICKETS)
    op.create_table(
        "login_counts",
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seconds", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", "seconds", name=op.f("pk_login_counts")),
    )
    op.create_index("ix_login_counts_ends_at", "login_counts", ["ends_at"])
    op.create_table(
        "login_networks",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("network", sa.String(length=50), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_login_networks_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "network", name=op.f("pk_login_networks")),
    )
    op.create_index("ix_login_networks_last_login_at", "login_networks", ["last_login_at"])


def downgrade() -> None:
    op.drop_table("login_networks")
    op.drop_table("login_counts")
