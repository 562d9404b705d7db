"""The sales floor: sessions, history, holds, deliveries, couriers, and indexes for search, queues and series."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

# Rules that hold whatever writes the row: name, then condition.
RULES = (
    ('delivery_type', "delivery_type IN ('DIRECT', 'COURIER', 'INTERNAL')"),
    ('label_count', 'label_count > 0'),
    ('hold_reason', '(held_at IS NULL) = (hold_reason IS NULL)'),
    ('hold_status', "held_at IS NULL OR status NOT IN ('DELIVERED', 'REVIEW')"),
    ('delivered_at', "(status = 'DELIVERED') = (delivered_at IS NOT NULL)"),
    ('dispatched_at', '(delivery_type IS NULL) = (dispatched_at IS NULL)'),
    ('delivery', "status NOT IN ('DISPATCHED', 'DELIVERED') OR delivery_type IS NOT NULL"),
    ('dispatched', "status <> 'DISPATCHED' OR delivery_type = 'INTERNAL'"),
    ('courier', "delivery_type IS DISTINCT FROM 'COURIER' OR (courier_id IS NOT NULL AND tracking_no IS NOT NULL)"),
    ('driver', "delivery_type IS DISTINCT FROM 'INTERNAL' OR driver IS NOT NULL"),
)

# The words of a text, as ``app/sales/searching.py`` cuts them.
WORDS = """
    array_to_tsvector(ARRAY(
        SELECT left(word, 40)
        FROM regexp_matches(lower({text}), '[[:alpha:]]+|[0-9]+', 'g') AS found,
            unnest(ARRAY[found[1], ltrim(found[1], '0')]) AS word
        WHERE word <> ''
    ))
"""
ITEM_TEXTS = """
    SELECT string_agg(concat_ws(' ', name, item_code, barcode, batch_no), ' ')
    FROM sales_items WHERE invoice_id = sales_invoices.id
"""


def upgrade() -> None:
    op.create_table('couriers',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('code', sa.String(length=50), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('tracking_url', sa.String(length=500), server_default='', nullable=False),
    sa.Column('phone', sa.String(length=50), server_default='', nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_couriers')),
    sa.UniqueConstraint('code', name=op.f('uq_couriers_code'))
    )
    op.create_table('sales_sessions',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('section', sa.String(length=20), nullable=False),
    sa.Column('worker_id', sa.BigInteger(), nullable=False),
    sa.Column('worker', sa.String(length=200), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("section IN ('PICKING', 'PACKING', 'DELIVERY')", name=op.f('ck_sales_sessions_section')),
    sa.ForeignKeyConstraint(['worker_id'], ['users.id'], name=op.f('fk_sales_sessions_worker_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sales_sessions'))
    )
    op.create_index('ix_sales_sessions_active', 'sales_sessions', ['worker_id', 'section'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('sales_assignments',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('session_id', sa.BigInteger(), nullable=False),
    sa.Column('invoice_id', sa.BigInteger(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(length=20), nullable=True),
    sa.CheckConstraint("outcome IN ('COMPLETED', 'CANCELLED', 'RETURNED', 'HELD')", name=op.f('ck_sales_assignments_outcome')),
    sa.CheckConstraint('(ended_at IS NULL) = (outcome IS NULL)', name=op.f('ck_sales_assignments_ended')),
    sa.ForeignKeyConstraint(['invoice_id'], ['sales_invoices.id'], name=op.f('fk_sales_assignments_invoice_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['session_id'], ['sales_sessions.id'], name=op.f('fk_sales_assignments_session_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sales_assignments'))
    )
    op.create_index('ix_sales_assignments_invoice_id_id', 'sales_assignments', ['invoice_id', 'id'], unique=False)
    op.create_index('ix_sales_assignments_open', 'sales_assignments', ['invoice_id'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_index('ix_sales_assignments_session_id', 'sales_assignments', ['session_id'], unique=False)
    op.create_table('sales_history',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('invoice_id', sa.BigInteger(), nullable=False),
    sa.Column('step', sa.String(length=30), nullable=False),
    sa.Column('from_status', sa.String(length=20), nullable=False),
    sa.Column('to_status', sa.String(length=20), nullable=False),
    sa.Column('actor', sa.String(length=200), nullable=False),
    sa.Column('actor_id', sa.BigInteger(), nullable=True),
    sa.Column('worker', sa.String(length=200), nullable=True),
    sa.Column('worker_id', sa.BigInteger(), nullable=True),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['users.id'], name=op.f('fk_sales_history_actor_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['invoice_id'], ['sales_invoices.id'], name=op.f('fk_sales_history_invoice_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['worker_id'], ['users.id'], name=op.f('fk_sales_history_worker_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sales_history'))
    )
    op.create_index('ix_sales_history_invoice_id_id', 'sales_history', ['invoice_id', 'id'], unique=False)
    op.add_column('customers', sa.Column('search', postgresql.TSVECTOR(), server_default='', nullable=False))
    op.create_index('ix_customers_name_id', 'customers', ['name', 'id'], unique=False)
    op.create_index('ix_customers_search', 'customers', ['search'], unique=False, postgresql_using='gin')
    op.add_column('sales_invoices', sa.Column('label_count', sa.Integer(), nullable=True))
    op.add_column('sales_invoices', sa.Column('hold_reason', sa.Text(), nullable=True))
    op.add_column('sales_invoices', sa.Column('held_by', sa.String(length=200), nullable=True))
    op.add_column('sales_invoices', sa.Column('held_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('sales_invoices', sa.Column('delivery_type', sa.String(length=10), nullable=True))
    op.add_column('sales_invoices', sa.Column('courier_id', sa.BigInteger(), nullable=True))
    op.add_column('sales_invoices', sa.Column('tracking_no', sa.String(length=100), nullable=True))
    op.add_column('sales_invoices', sa.Column('driver_id', sa.BigInteger(), nullable=True))
    op.add_column('sales_invoices', sa.Column('driver', sa.String(length=200), nullable=True))
    op.add_column('sales_invoices', sa.Column('dispatched_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('sales_invoices', sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('sales_invoices', sa.Column('proof_note', sa.Text(), server_default='', nullable=False))
    op.add_column('sales_invoices', sa.Column('priority_rank', sa.SmallInteger(), sa.Computed("CASE priority WHEN 'HIGH' THEN 0 WHEN 'MEDIUM' THEN 1 ELSE 2 END", persisted=True), nullable=False))
    op.add_column('sales_invoices', sa.Column('number_prefix', sa.String(length=50), sa.Computed("regexp_replace(invoice_no, '[0-9]{1,18}$', '')", persisted=True), nullable=False))
    op.add_column('sales_invoices', sa.Column('number_value', sa.BigInteger(), sa.Computed("(\"substring\"((invoice_no)::text, '[0-9]{1,18}$'::text))::bigint", persisted=True), nullable=True))
    op.add_column('sales_invoices', sa.Column('search', postgresql.TSVECTOR(), server_default='', nullable=False))
    op.drop_index(op.f('ix_sales_invoices_salesman_id'), table_name='sales_invoices')
    op.create_index('ix_sales_invoices_delivered_at_id', 'sales_invoices', ['delivered_at', 'id'], unique=False, postgresql_where=sa.text('delivered_at IS NOT NULL'))
    op.create_index('ix_sales_invoices_held_at_id', 'sales_invoices', ['held_at', 'id'], unique=False, postgresql_where=sa.text('held_at IS NOT NULL'))
    op.create_index('ix_sales_invoices_priority_id', 'sales_invoices', ['priority', 'id'], unique=False)
    op.create_index('ix_sales_invoices_salesman_id_id', 'sales_invoices', ['salesman_id', 'id'], unique=False)
    op.create_index('ix_sales_invoices_search', 'sales_invoices', ['search'], unique=False, postgresql_using='gin')
    op.create_index('ix_sales_invoices_series', 'sales_invoices', ['number_prefix', 'number_value'], unique=False)
    op.create_index('ix_sales_invoices_status_rank_id', 'sales_invoices', ['status', 'priority_rank', 'id'], unique=False)
    op.create_foreign_key(op.f('fk_sales_invoices_driver_id'), 'sales_invoices', 'users', ['driver_id'], ['id'], ondelete='SET NULL')
    op.create_foreign_key(op.f('fk_sales_invoices_courier_id'), 'sales_invoices', 'couriers', ['courier_id'], ['id'])
    for name, condition in RULES:
        op.create_check_constraint(op.f(f'ck_sales_invoices_{name}'), 'sales_invoices', condition)
    customer_words = WORDS.format(text="concat_ws(' ', code, name)")
    op.execute(f"UPDATE customers SET search = {customer_words}")
    texts = f"concat_ws(' ', invoice_no, temp_name, ({ITEM_TEXTS}))"
    op.execute(f"UPDATE sales_invoices SET search = {WORDS.format(text=texts)}")


def downgrade() -> None:
    for name, _condition in RULES:
        op.drop_constraint(op.f(f'ck_sales_invoices_{name}'), 'sales_invoices', type_='check')
    op.drop_constraint(op.f('fk_sales_invoices_courier_id'), 'sales_invoices', type_='foreignkey')
    op.drop_constraint(op.f('fk_sales_invoices_driver_id'), 'sales_invoices', type_='foreignkey')
    op.drop_index('ix_sales_invoices_status_rank_id', table_name='sales_invoices')
    op.drop_index('ix_sales_invoices_series', table_name='sales_invoices')
    op.drop_index('ix_sales_invoices_search', table_name='sales_invoices', postgresql_using='gin')
    op.drop_index('ix_sales_invoices_salesman_id_id', table_name='sales_invoices')
    op.drop_index('ix_sales_invoices_priority_id', table_name='sales_invoices')
    op.drop_index('ix_sales_invoices_held_at_id', table_name='sales_invoices', postgresql_where=sa.text('held_at IS NOT NULL'))
    op.drop_index('ix_sales_invoices_delivered_at_id', table_name='sales_invoices', postgresql_where=sa.text('delivered_at IS NOT NULL'))
    op.create_index(op.f('ix_sales_invoices_salesman_id'), 'sales_invoices', ['salesman_id'], unique=False)
    op.drop_column('sales_invoices', 'search')
    op.drop_column('sales_invoices', 'number_value')
    op.drop_column('sales_invoices', 'number_prefix')
    op.drop_column('sales_invoices', 'priority_rank')
    op.drop_column('sales_invoices', 'proof_note')
    op.drop_column('sales_invoices', 'delivered_at')
    op.drop_column('sales_invoices', 'dispatched_at')
    op.drop_column('sales_invoices', 'driver')
    op.drop_column('sales_invoices', 'driver_id')
    op.drop_column('sales_invoices', 'tracking_no')
    op.drop_column('sales_invoices', 'courier_id')
    op.drop_column('sales_invoices', 'delivery_type')
    op.drop_column('sales_invoices', 'held_at')
    op.drop_column('sales_invoices', 'held_by')
    op.drop_column('sales_invoices', 'hold_reason')
    op.drop_column('sales_invoices', 'label_count')
    op.drop_index('ix_customers_search', table_name='customers', postgresql_using='gin')
    op.drop_index('ix_customers_name_id', table_name='customers')
    op.drop_column('customers', 'search')
    op.drop_index('ix_sales_history_invoice_id_id', table_name='sales_history')
    op.drop_table('sales_history')
    op.drop_index('ix_sales_assignments_session_id', table_name='sales_assignments')
    op.drop_index('ix_sales_assignments_open', table_name='sales_assignments', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_index('ix_sales_assignments_invoice_id_id', table_name='sales_assignments')
    op.drop_table('sales_assignments')
    op.drop_index('ix_sales_sessions_active', table_name='sales_sessions', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_table('sales_sessions')
    op.drop_table('couriers')
