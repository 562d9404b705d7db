"""Papers of goods receipts: the note, and the labels of the rolls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('goods_receipt_pdfs',
    sa.Column('receipt_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('path', sa.String(length=200), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claim_id', sa.Uuid(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('request_id', sa.String(length=128), nullable=True),
    sa.CheckConstraint("kind IN ('note', 'labels')", name=op.f('ck_goods_receipt_pdfs_kind')),
    sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f('ck_goods_receipt_pdfs_state')),
    sa.CheckConstraint('(path IS NULL) = (sha256 IS NULL)', name=op.f('ck_goods_receipt_pdfs_stored')),
    sa.ForeignKeyConstraint(['receipt_id'], ['goods_receipts.id'], name=op.f('fk_goods_receipt_pdfs_receipt_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('receipt_id', 'kind', name=op.f('pk_goods_receipt_pdfs'))
    )
    op.create_index('ix_goods_receipt_pdfs_claim_id', 'goods_receipt_pdfs', ['claim_id'], unique=True, postgresql_where=sa.text('claim_id IS NOT NULL'))
    op.create_index('ix_goods_receipt_pdfs_due', 'goods_receipt_pdfs', ['due_at'], unique=False, postgresql_where=sa.text("state = 'pending'"))


def downgrade() -> None:
    op.drop_index('ix_goods_receipt_pdfs_due', table_name='goods_receipt_pdfs', postgresql_where=sa.text("state = 'pending'"))
    op.drop_index('ix_goods_receipt_pdfs_claim_id', table_name='goods_receipt_pdfs', postgresql_where=sa.text('claim_id IS NOT NULL'))
    op.drop_table('goods_receipt_pdfs')
