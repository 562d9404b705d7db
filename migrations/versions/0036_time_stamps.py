"""Time stamps and mails of daily roots, and the root that a PDF has in its footer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_STATES = "state IN ('pending', 'done', 'failed')"
_DUE, _CLAIMED = sa.text("state = 'pending'"), sa.text("claim_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "evidence_stamps",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=True),
        *_work_columns(),
        sa.CheckConstraint(_STATES, name=op.f("ck_evidence_stamps_state")),
        sa.CheckConstraint("(reply IS NULL) = (stamped_at IS NULL)", name=op.f("ck_evidence_stamps_stamped")),
        sa.ForeignKeyConstraint(
            ["owner_id", "day"],
            ["evidence_roots.owner_id", "evidence_roots.day"],
            name=op.f("fk_evidence_stamps_owner_id"),
        ),
        sa.PrimaryKeyConstraint("owner_id", "day", name=op.f("pk_evidence_stamps")),
    )
    op.create_table(
        "evidence_mails",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *_work_columns(),
        sa.CheckConstraint(_STATES, name=op.f("ck_evidence_mails_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_mails")),
    )
    op.create_index("ix_evidence_stamps_due", "evidence_stamps", ["due_at"], postgresql_where=_DUE)
    op.create_index("ix_evidence_stamps_claim_id", "evidence_stamps", ["claim_id"], unique=True, postgresql_where=_CLAIMED)
    op.create_index("ix_evidence_mails_due", "evidence_mails", ["due_at"], postgresql_where=_DUE)
    op.create_index("ix_evidence_mails_claim_id", "evidence_mails", ["claim_id"], unique=True, postgresql_where=_CLAIMED)
    op.add_column("evidence_roots", sa.Column("mail_id", sa.BigInteger(), nullable=True))
    op.add_column("e_invoice_pdfs", sa.Column("root_day", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("e_invoice_pdfs", "root_day")
    op.drop_column("evidence_roots", "mail_id")
    op.drop_table("evidence_mails")
    op.drop_table("evidence_stamps")


def _work_columns() -> tuple[sa.Column, ...]:
    """The columns of ``app/kernel/worker/work_queue.py``."""
    return (
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.String(128), nullable=True),
    )
