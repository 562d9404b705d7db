"""The first floor: accounts, the event log, sales and stream tickets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('api_calls',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('credential', sa.String(length=100), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=True),
    sa.Column('method', sa.String(length=10), nullable=False),
    sa.Column('path', sa.Text(), nullable=False),
    sa.Column('status', sa.SmallInteger(), nullable=False),
    sa.Column('milliseconds', sa.Float(), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=True),
    sa.Column('request_id', sa.String(length=128), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_calls'))
    )
    op.create_index('ix_api_calls_created_at', 'api_calls', ['created_at'], unique=False)
    op.create_index('ix_api_calls_credential_created_at', 'api_calls', ['credential', 'created_at'], unique=False)
    op.create_table('api_keys',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('prefix', sa.String(length=12), nullable=False),
    sa.Column('key_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('allowlist', postgresql.ARRAY(sa.String(length=50)), server_default='{}', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_address', sa.String(length=45), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('key_hash', name=op.f('uq_api_keys_key_hash'))
    )
    op.create_table('audit_entries',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('action', sa.String(length=100), nullable=False),
    sa.Column('actor', sa.String(length=200), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=True),
    sa.Column('request_id', sa.String(length=128), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entries'))
    )
    op.create_index('ix_audit_entries_created_at', 'audit_entries', ['created_at'], unique=False)
    op.create_table('customers',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('code', sa.String(length=50), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('area', sa.String(length=200), server_default='', nullable=False),
    sa.Column('address1', sa.String(length=300), server_default='', nullable=False),
    sa.Column('address2', sa.String(length=300), server_default='', nullable=False),
    sa.Column('address3', sa.String(length=300), server_default='', nullable=False),
    sa.Column('pincode', sa.String(length=20), server_default='', nullable=False),
    sa.Column('phone1', sa.String(length=50), server_default='', nullable=False),
    sa.Column('phone2', sa.String(length=50), server_default='', nullable=False),
    sa.Column('email', sa.String(length=254), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customers')),
    sa.UniqueConstraint('code', name=op.f('uq_customers_code'))
    )
    op.create_table('event_head',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_event_head_single')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_head'))
    )
    op.create_table('events',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=True),
    sa.Column('uuid', sa.Uuid(), nullable=False),
    sa.Column('type', sa.String(length=100), nullable=False),
    sa.Column('subject_id', sa.BigInteger(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=True),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('request_id', sa.String(length=128), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_events')),
    sa.UniqueConstraint('position', name=op.f('uq_events_position'))
    )
    op.create_index('ix_events_unplaced', 'events', ['id'], unique=False, postgresql_where=sa.text('position IS NULL'))
    op.create_table('idempotency_keys',
    sa.Column('credential', sa.String(length=100), nullable=False),
    sa.Column('key', sa.String(length=255), nullable=False),
    sa.Column('fingerprint', sa.LargeBinary(length=32), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('headers', sa.JSON(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('credential', 'key', name=op.f('pk_idempotency_keys'))
    )
    op.create_index('ix_idempotency_keys_created_at', 'idempotency_keys', ['created_at'], unique=False)
    op.create_table('salesmen',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_salesmen')),
    sa.UniqueConstraint('name', name=op.f('uq_salesmen_name'))
    )
    op.create_table('stream_tickets',
    sa.Column('ticket_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('principal', sa.JSON(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('ticket_hash', name=op.f('pk_stream_tickets'))
    )
    op.create_index(op.f('ix_stream_tickets_expires_at'), 'stream_tickets', ['expires_at'], unique=False)
    op.create_table('users',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_login_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("role IN ('admin', 'billing', 'warehouse', 'integrator')", name=op.f('ck_users_role')),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_users_email_lower')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('email', name=op.f('uq_users_email'))
    )
    op.create_table('login_sessions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('current_jti', sa.String(length=36), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_because', sa.String(length=50), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_login_sessions_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_login_sessions'))
    )
    op.create_index('ix_login_sessions_expires_at', 'login_sessions', ['expires_at'], unique=False)
    op.create_index(op.f('ix_login_sessions_user_id'), 'login_sessions', ['user_id'], unique=False)
    op.create_table('sales_invoices',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('invoice_no', sa.String(length=50), nullable=False),
    sa.Column('invoice_date', sa.Date(), nullable=False),
    sa.Column('customer_id', sa.BigInteger(), nullable=False),
    sa.Column('salesman_id', sa.BigInteger(), nullable=True),
    sa.Column('created_by', sa.String(length=200), server_default='', nullable=False),
    sa.Column('created_user_id', sa.BigInteger(), nullable=True),
    sa.Column('priority', sa.String(length=10), nullable=False),
    sa.Column('status', sa.String(length=20), server_default=sa.text("'INVOICED'"), nullable=False),
    sa.Column('billing_status', sa.String(length=20), server_default=sa.text("'BILLED'"), nullable=False),
    sa.Column('temp_name', sa.String(length=200), server_default='', nullable=False),
    sa.Column('remarks', sa.String(length=1000), server_default='', nullable=False),
    sa.Column('total_amount', sa.Numeric(precision=18, scale=2), nullable=False),
    sa.Column('declared_total', sa.Numeric(precision=18, scale=2), nullable=True),
    sa.Column('metadata', sa.JSON(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("billing_status IN ('BILLED', 'REVIEW', 'RE_INVOICED')", name=op.f('ck_sales_invoices_billing_status')),
    sa.CheckConstraint("priority IN ('LOW', 'MEDIUM', 'HIGH')", name=op.f('ck_sales_invoices_priority')),
    sa.CheckConstraint("status IN ('INVOICED', 'PICKING', 'PICKED', 'PACKING', 'BOXING', 'PACKED', 'DISPATCHED', 'DELIVERED', 'REVIEW')", name=op.f('ck_sales_invoices_status')),
    sa.CheckConstraint('total_amount >= 0', name=op.f('ck_sales_invoices_total_amount')),
    sa.ForeignKeyConstraint(['created_user_id'], ['users.id'], name=op.f('fk_sales_invoices_created_user_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_sales_invoices_customer_id')),
    sa.ForeignKeyConstraint(['salesman_id'], ['salesmen.id'], name=op.f('fk_sales_invoices_salesman_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sales_invoices')),
    sa.UniqueConstraint('invoice_no', name=op.f('uq_sales_invoices_invoice_no'))
    )
    op.create_index('ix_sales_invoices_billing_status_id', 'sales_invoices', ['billing_status', 'id'], unique=False)
    op.create_index(op.f('ix_sales_invoices_created_user_id'), 'sales_invoices', ['created_user_id'], unique=False)
    op.create_index('ix_sales_invoices_customer_id_id', 'sales_invoices', ['customer_id', 'id'], unique=False)
    op.create_index('ix_sales_invoices_invoice_date_id', 'sales_invoices', ['invoice_date', 'id'], unique=False)
    op.create_index(op.f('ix_sales_invoices_salesman_id'), 'sales_invoices', ['salesman_id'], unique=False)
    op.create_index('ix_sales_invoices_status_id', 'sales_invoices', ['status', 'id'], unique=False)
    op.create_table('sales_items',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('invoice_id', sa.BigInteger(), nullable=False),
    sa.Column('line_no', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=300), nullable=False),
    sa.Column('item_code', sa.String(length=100), nullable=False),
    sa.Column('barcode', sa.String(length=100), server_default='', nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('mrp', sa.Numeric(precision=14, scale=4), nullable=False),
    sa.Column('line_total', sa.Numeric(precision=18, scale=2), nullable=False),
    sa.Column('company_name', sa.String(length=200), server_default='', nullable=False),
    sa.Column('packing', sa.String(length=100), server_default='', nullable=False),
    sa.Column('shelf_location', sa.String(length=100), server_default='', nullable=False),
    sa.Column('batch_no', sa.String(length=100), server_default='', nullable=False),
    sa.Column('expiry_date', sa.Date(), nullable=True),
    sa.Column('remarks', sa.String(length=1000), server_default='', nullable=False),
    sa.CheckConstraint('mrp >= 0', name=op.f('ck_sales_items_mrp')),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_sales_items_quantity')),
    sa.ForeignKeyConstraint(['invoice_id'], ['sales_invoices.id'], name=op.f('fk_sales_items_invoice_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sales_items'))
    )
    op.create_index('ix_sales_items_invoice_id_line_no', 'sales_items', ['invoice_id', 'line_no'], unique=True)
    op.create_table('sales_returns',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('invoice_id', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('section', sa.String(length=20), nullable=False),
    sa.Column('returned_from_status', sa.String(length=20), nullable=False),
    sa.Column('returned_by', sa.String(length=200), nullable=False),
    sa.Column('returned_by_id', sa.BigInteger(), nullable=True),
    sa.Column('returned_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('resolution_notes', sa.Text(), server_default='', nullable=False),
    sa.Column('resolved_by', sa.String(length=200), nullable=True),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("section IN ('PICKING', 'PACKING', 'DELIVERY')", name=op.f('ck_sales_returns_section')),
    sa.ForeignKeyConstraint(['invoice_id'], ['sales_invoices.id'], name=op.f('fk_sales_returns_invoice_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['returned_by_id'], ['users.id'], name=op.f('fk_sales_returns_returned_by_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sales_returns'))
    )
    op.create_index('ix_sales_returns_invoice_id', 'sales_returns', ['invoice_id'], unique=False)
    op.create_index('ix_sales_returns_open', 'sales_returns', ['invoice_id'], unique=True, postgresql_where=sa.text('resolved_at IS NULL'))
    op.execute("INSERT INTO event_head (id, position) VALUES (1, 0)")


def downgrade() -> None:
    op.drop_index('ix_sales_returns_open', table_name='sales_returns', postgresql_where=sa.text('resolved_at IS NULL'))
    op.drop_index('ix_sales_returns_invoice_id', table_name='sales_returns')
    op.drop_table('sales_returns')
    op.drop_index('ix_sales_items_invoice_id_line_no', table_name='sales_items')
    op.drop_table('sales_items')
    op.drop_index('ix_sales_invoices_status_id', table_name='sales_invoices')
    op.drop_index(op.f('ix_sales_invoices_salesman_id'), table_name='sales_invoices')
    op.drop_index('ix_sales_invoices_invoice_date_id', table_name='sales_invoices')
    op.drop_index('ix_sales_invoices_customer_id_id', table_name='sales_invoices')
    op.drop_index(op.f('ix_sales_invoices_created_user_id'), table_name='sales_invoices')
    op.drop_index('ix_sales_invoices_billing_status_id', table_name='sales_invoices')
    op.drop_table('sales_invoices')
    op.drop_index(op.f('ix_login_sessions_user_id'), table_name='login_sessions')
    op.drop_index('ix_login_sessions_expires_at', table_name='login_sessions')
    op.drop_table('login_sessions')
    op.drop_table('users')
    op.drop_index(op.f('ix_stream_tickets_expires_at'), table_name='stream_tickets')
    op.drop_table('stream_tickets')
    op.drop_table('salesmen')
    op.drop_index('ix_idempotency_keys_created_at', table_name='idempotency_keys')
    op.drop_table('idempotency_keys')
    op.drop_index('ix_events_unplaced', table_name='events', postgresql_where=sa.text('position IS NULL'))
    op.drop_table('events')
    op.drop_table('event_head')
    op.drop_table('customers')
    op.drop_index('ix_audit_entries_created_at', table_name='audit_entries')
    op.drop_table('audit_entries')
    op.drop_table('api_keys')
    op.drop_index('ix_api_calls_credential_created_at', table_name='api_calls')
    op.drop_index('ix_api_calls_created_at', table_name='api_calls')
    op.drop_table('api_calls')
