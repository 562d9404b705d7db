"""How a user wants the pages: language and theme.

Revision ID: 0008
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    op.add_column("users", sa.Column("language", sa.String(2)))
    op.add_column("users", sa.Column("theme", sa.String(5), nullable=False, server_default=sa.text("'auto'")))
    op.create_check_constraint("language", "users", "language IN ('en', 'tr')")
    op.create_check_constraint("theme", "users", "theme IN ('auto', 'light', 'dark')")


def downgrade() -> None:
    op.drop_column("users", "theme")
    op.drop_column("users", "language")
