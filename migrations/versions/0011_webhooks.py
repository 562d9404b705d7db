"""Webhook endpoints, deliveries with their attempts, and checks of receivers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('webhook_endpoints',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('url', sa.String(length=2000), nullable=False),
    sa.Column('description', sa.String(length=500), server_default='', nullable=False),
    sa.Column('events', postgresql.ARRAY(sa.String(length=100)), nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.Column('previous_secret', sa.LargeBinary(), nullable=True),
    sa.Column('previous_secret_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('headers', sa.LargeBinary(), nullable=True),
    sa.Column('header_names', postgresql.ARRAY(sa.String(length=100)), server_default='{}', nullable=False),
    sa.Column('concurrency', sa.SmallInteger(), server_default='10', nullable=False),
    sa.Column('rate_per_minute', sa.Integer(), nullable=True),
    sa.Column('allowances', sa.JSON(), nullable=False),
    sa.Column('metadata', sa.JSON(), nullable=True),
    sa.Column('status', sa.String(length=20), server_default='enabled', nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=True),
    sa.Column('probe_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_sequence', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status IN ('enabled', 'disabled', 'probing')", name=op.f('ck_webhook_endpoints_status')),
    sa.CheckConstraint('concurrency BETWEEN 1 AND 50', name=op.f('ck_webhook_endpoints_concurrency')),
    sa.CheckConstraint('rate_per_minute BETWEEN 1 AND 60000', name=op.f('ck_webhook_endpoints_rate_per_minute')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_webhook_endpoints_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_endpoints'))
    )
    op.create_index('ix_webhook_endpoints_owner_id', 'webhook_endpoints', ['owner_id'], unique=False)
    op.create_index('ix_webhook_endpoints_probe_at', 'webhook_endpoints', ['probe_at'], unique=False, postgresql_where=sa.text('probe_at IS NOT NULL'))
    op.create_table('webhook_checks',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('endpoint_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('grade', sa.String(length=1), nullable=True),
    sa.Column('report', sa.JSON(), nullable=True),
    sa.Column('claim_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f('ck_webhook_checks_state')),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoints.id'], name=op.f('fk_webhook_checks_endpoint_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_checks'))
    )
    op.create_index(op.f('ix_webhook_checks_endpoint_id'), 'webhook_checks', ['endpoint_id'], unique=False)
    op.create_index('ix_webhook_checks_pending', 'webhook_checks', ['endpoint_id'], unique=True, postgresql_where=sa.text("state = 'pending'"))
    op.create_table('webhook_deliveries',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('endpoint_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('event', sa.String(length=100), nullable=False),
    sa.Column('subject_id', sa.BigInteger(), nullable=False),
    sa.Column('reference', sa.String(length=100), nullable=True),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=20), server_default='pending', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('step', sa.SmallInteger(), server_default='0', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claim_id', sa.Uuid(), nullable=True),
    sa.Column('response_status', sa.SmallInteger(), nullable=True),
    sa.Column('error', sa.String(length=500), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'pending') = (finished_at IS NULL)", name=op.f('ck_webhook_deliveries_finished')),
    sa.CheckConstraint("claim_id IS NULL OR state = 'pending'", name=op.f('ck_webhook_deliveries_claimed')),
    sa.CheckConstraint("state IN ('pending', 'delivered', 'failed', 'cancelled')", name=op.f('ck_webhook_deliveries_state')),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoints.id'], name=op.f('fk_webhook_deliveries_endpoint_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_deliveries')),
    sa.UniqueConstraint('endpoint_id', 'position', name=op.f('uq_webhook_deliveries_endpoint_id_position')),
    sa.UniqueConstraint('endpoint_id', 'sequence', name=op.f('uq_webhook_deliveries_endpoint_id_sequence'))
    )
    op.create_index('ix_webhook_deliveries_claimed', 'webhook_deliveries', ['endpoint_id'], unique=False, postgresql_where=sa.text('claim_id IS NOT NULL'))
    op.create_index('ix_webhook_deliveries_created_at', 'webhook_deliveries', ['created_at'], unique=False)
    op.create_index('ix_webhook_deliveries_endpoint_id_id', 'webhook_deliveries', ['endpoint_id', 'id'], unique=False)
    op.create_index('ix_webhook_deliveries_event_id', 'webhook_deliveries', ['event_id'], unique=False)
    op.create_index('ix_webhook_deliveries_first', 'webhook_deliveries', ['endpoint_id', 'due_at', 'id'], unique=False, postgresql_where=sa.text("state = 'pending' AND attempts = 0"))
    op.create_index('ix_webhook_deliveries_open', 'webhook_deliveries', ['endpoint_id', 'sequence'], unique=False, postgresql_where=sa.text("state IN ('pending', 'failed')"))
    op.create_index('ix_webhook_deliveries_reference', 'webhook_deliveries', ['reference'], unique=False, postgresql_where=sa.text('reference IS NOT NULL'))
    op.create_index('ix_webhook_deliveries_retry', 'webhook_deliveries', ['endpoint_id', 'due_at', 'id'], unique=False, postgresql_where=sa.text("state = 'pending' AND attempts > 0"))
    op.create_index('ix_webhook_deliveries_subject_id', 'webhook_deliveries', ['subject_id', 'event'], unique=False)
    op.create_table('webhook_lanes',
    sa.Column('endpoint_id', sa.BigInteger(), nullable=False),
    sa.Column('served_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('booked_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_slow', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoints.id'], name=op.f('fk_webhook_lanes_endpoint_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('endpoint_id', name=op.f('pk_webhook_lanes'))
    )
    op.create_table('webhook_tallies',
    sa.Column('endpoint_id', sa.BigInteger(), nullable=False),
    sa.Column('minute', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoints.id'], name=op.f('fk_webhook_tallies_endpoint_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('endpoint_id', 'minute', name=op.f('pk_webhook_tallies'))
    )
    op.create_table('webhook_attempts',
    sa.Column('delivery_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('outcome', sa.String(length=20), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('milliseconds', sa.Integer(), nullable=True),
    sa.Column('address', sa.String(length=60), nullable=True),
    sa.Column('url', sa.String(length=2000), nullable=False),
    sa.Column('request_headers', sa.JSON(), nullable=False),
    sa.Column('response_status', sa.SmallInteger(), nullable=True),
    sa.Column('response_headers', sa.JSON(), nullable=True),
    sa.Column('response_body', sa.Text(), nullable=True),
    sa.Column('error', sa.String(length=500), nullable=True),
    sa.CheckConstraint("outcome IN ('delivered', 'failed', 'lost')", name=op.f('ck_webhook_attempts_outcome')),
    sa.ForeignKeyConstraint(['delivery_id'], ['webhook_deliveries.id'], name=op.f('fk_webhook_attempts_delivery_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('delivery_id', 'number', name=op.f('pk_webhook_attempts'))
    )


def downgrade() -> None:
    op.drop_table('webhook_attempts')
    op.drop_table('webhook_tallies')
    op.drop_table('webhook_lanes')
    op.drop_index('ix_webhook_deliveries_subject_id', table_name='webhook_deliveries')
    op.drop_index('ix_webhook_deliveries_retry', table_name='webhook_deliveries', postgresql_where=sa.text("state = 'pending' AND attempts > 0"))
    op.drop_index('ix_webhook_deliveries_reference', table_name='webhook_deliveries', postgresql_where=sa.text('reference IS NOT NULL'))
    op.drop_index('ix_webhook_deliveries_open', table_name='webhook_deliveries', postgresql_where=sa.text("state IN ('pending', 'failed')"))
    op.drop_index('ix_webhook_deliveries_first', table_name='webhook_deliveries', postgresql_where=sa.text("state = 'pending' AND attempts = 0"))
    op.drop_index('ix_webhook_deliveries_event_id', table_name='webhook_deliveries')
    op.drop_index('ix_webhook_deliveries_endpoint_id_id', table_name='webhook_deliveries')
    op.drop_index('ix_webhook_deliveries_created_at', table_name='webhook_deliveries')
    op.drop_index('ix_webhook_deliveries_claimed', table_name='webhook_deliveries', postgresql_where=sa.text('claim_id IS NOT NULL'))
    op.drop_table('webhook_deliveries')
    op.drop_index('ix_webhook_checks_pending', table_name='webhook_checks', postgresql_where=sa.text("state = 'pending'"))
    op.drop_index(op.f('ix_webhook_checks_endpoint_id'), table_name='webhook_checks')
    op.drop_table('webhook_checks')
    op.drop_index('ix_webhook_endpoints_probe_at', table_name='webhook_endpoints', postgresql_where=sa.text('probe_at IS NOT NULL'))
    op.drop_index('ix_webhook_endpoints_owner_id', table_name='webhook_endpoints')
    op.drop_table('webhook_endpoints')
