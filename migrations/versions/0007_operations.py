"""Canaries of the queues, failed tasks, the position up to which events were purged, the request behind work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

WORK = ('e_invoice_pdfs', 'e_invoice_sendings')


def upgrade() -> None:
    op.create_table('queue_canaries',
    sa.Column('queue', sa.String(length=50), nullable=False),
    sa.Column('worker', sa.String(length=255), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('queue', 'worker', name=op.f('pk_queue_canaries'))
    )
    op.create_table('failed_tasks',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('task_id', sa.String(length=64), nullable=False),
    sa.Column('task', sa.String(length=100), nullable=False),
    sa.Column('arguments', sa.JSON(), nullable=False),
    sa.Column('worker', sa.String(length=255), nullable=True),
    sa.Column('request_id', sa.String(length=128), nullable=True),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retried_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_failed_tasks'))
    )
    op.create_index('ix_failed_tasks_failed_at', 'failed_tasks', ['failed_at'], unique=False)
    op.add_column('event_head', sa.Column('purged', sa.BigInteger(), server_default='0', nullable=False))
    for table in WORK:
        op.add_column(table, sa.Column('request_id', sa.String(length=128), nullable=True))


def downgrade() -> None:
    for table in WORK:
        op.drop_column(table, 'request_id')
    op.drop_column('event_head', 'purged')
    op.drop_index('ix_failed_tasks_failed_at', table_name='failed_tasks')
    op.drop_table('failed_tasks')
    op.drop_table('queue_canaries')
