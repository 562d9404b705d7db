"""Sellers have accounts at providers; each account has a lane, and its e-invoices refer to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None

FOREIGN_KEY = "fk_e_invoices_provider_account_id_provider_accounts"
#: Table, index, columns and condition of each new index of a filled table.
INDEXES = (
    (
        "e_invoices",
        "ix_e_invoices_provider_account_id",
        ["provider_account_id", "provider_invoice_id"],
        "provider_account_id IS NOT NULL",
    ),
    ("e_invoice_sendings", "ix_e_invoice_sendings_lane_id", ["lane_id", "due_at"], "state <> 'done'"),
    ("e_invoice_sendings", "ix_e_invoice_sendings_key", ["key"], None),
)


def upgrade() -> None:
    _create_tables()
    # E-invoices without an account have the lane 0; the previous release queues sendings and makes no lanes.
    op.execute("INSERT INTO provider_lanes (id) VALUES (0)")
    op.add_column("e_invoices", sa.Column("provider_account_id", sa.BigInteger(), nullable=True))
    op.add_column("e_invoice_sendings", sa.Column("lane_id", sa.BigInteger(), server_default="0", nullable=False))
    op.create_foreign_key(
        op.f(FOREIGN_KEY), "e_invoices", "provider_accounts", ["provider_account_id"], ["id"], postgresql_not_valid=True
    )
    # Validating reads the table under a lock that lets others read and write.
    op.execute(f"ALTER TABLE e_invoices VALIDATE CONSTRAINT {FOREIGN_KEY}")
    with op.get_context().autocommit_block():
        for table, name, columns, where in INDEXES:
            # An interrupted run leaves an invalid index of this name.
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            condition = sa.text(where) if where else None
            op.create_index(name, table, columns, postgresql_where=condition, postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for table, name, _columns, _where in INDEXES:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
    op.drop_column("e_invoice_sendings", "lane_id")
    op.drop_constraint(op.f(FOREIGN_KEY), "e_invoices", type_="foreignkey")
    op.drop_column("e_invoices", "provider_account_id")
    for table in ("provider_callbacks", "provider_lanes", "provider_accounts"):
        op.drop_table(table)


def _create_tables() -> None:
    op.create_table(
        "provider_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("adapter", sa.String(50), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("url", sa.String(2000), server_default="", nullable=False),
        sa.Column("lookup_url", sa.String(2000), server_default="", nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("callback_secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_callback_secret", sa.LargeBinary(), nullable=True),
        sa.Column("previous_callback_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mapping", sa.JSON(), nullable=True),
        sa.Column("concurrency", sa.SmallInteger(), server_default="4", nullable=False),
        sa.Column("rate_per_minute", sa.Integer(), nullable=True),
        sa.Column("allowances", sa.JSON(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("test_passed", sa.Boolean(), nullable=True),
        sa.Column("test_message", sa.String(500), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_provider_accounts_mode")),
        sa.CheckConstraint("concurrency BETWEEN 1 AND 50", name=op.f("ck_provider_accounts_concurrency")),
        sa.CheckConstraint("rate_per_minute BETWEEN 1 AND 60000", name=op.f("ck_provider_accounts_rate_per_minute")),
        sa.CheckConstraint(
            "(test_passed IS NULL) = (tested_at IS NULL)", name=op.f("ck_provider_accounts_tested")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_provider_accounts_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_accounts")),
    )
    op.create_index(
        "ix_provider_accounts_name",
        "provider_accounts",
        ["owner_id", "name"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "ix_provider_accounts_default",
        "provider_accounts",
        ["owner_id", "mode"],
        unique=True,
        postgresql_where=sa.text("is_default AND archived_at IS NULL"),
    )
    op.create_table(
        "provider_lanes",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("booked_until", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("is_slow", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_lanes")),
    )
    op.create_table(
        "provider_callbacks",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["provider_accounts.id"],
            name=op.f("fk_provider_callbacks_account_id_provider_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "message_id", name=op.f("pk_provider_callbacks")),
    )
    op.create_index("ix_provider_callbacks_received_at", "provider_callbacks", ["received_at"])
