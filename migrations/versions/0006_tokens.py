"""Scoped tokens, and an index for each user's own API calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('access_tokens',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('secret_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('previous_hash', sa.LargeBinary(length=32), nullable=True),
    sa.Column('previous_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('abilities', postgresql.ARRAY(sa.String(length=50)), nullable=False),
    sa.Column('allowlist', postgresql.ARRAY(sa.String(length=50)), server_default='{}', nullable=False),
    sa.Column('lifetime_days', sa.SmallInteger(), nullable=False),
    sa.Column('calls_per_minute', sa.SmallInteger(), nullable=False),
    sa.Column('status_calls_per_minute', sa.SmallInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('rotated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_address', sa.String(length=45), nullable=True),
    sa.Column('refused_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('lifetime_days IN (30, 90, 180, 365)', name=op.f('ck_access_tokens_lifetime_days')),
    sa.CheckConstraint('calls_per_minute > 0 AND status_calls_per_minute > 0', name=op.f('ck_access_tokens_rates')),
    sa.CheckConstraint('(previous_hash IS NULL) = (previous_until IS NULL)', name=op.f('ck_access_tokens_previous')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_access_tokens_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_access_tokens')),
    sa.UniqueConstraint('public_id', name=op.f('uq_access_tokens_public_id'))
    )
    op.create_index(op.f('ix_access_tokens_user_id'), 'access_tokens', ['user_id'], unique=False)
    op.create_index(op.f('ix_access_tokens_expires_at'), 'access_tokens', ['expires_at'], unique=False)
    op.create_index('ix_api_calls_user_id_created_at', 'api_calls', ['user_id', 'created_at'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_api_calls_user_id_created_at', table_name='api_calls')
    op.drop_index(op.f('ix_access_tokens_expires_at'), table_name='access_tokens')
    op.drop_index(op.f('ix_access_tokens_user_id'), table_name='access_tokens')
    op.drop_table('access_tokens')
