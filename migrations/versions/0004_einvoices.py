"""E-invoices with their series, PDFs and sendings; sellers; modules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

# The totals of lists are sums of these rows: counting a million e-invoices for each page would take too long.
TALLY = """
CREATE FUNCTION e_invoices_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO e_invoice_tallies (owner_id, status, type, marketplace, amount)
        SELECT owner_id, status, type, marketplace, count(*) FROM after GROUP BY 1, 2, 3, 4;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO e_invoice_tallies (owner_id, status, type, marketplace, amount)
        SELECT owner_id, status, type, marketplace, -count(*) FROM before GROUP BY 1, 2, 3, 4;
    ELSE
        INSERT INTO e_invoice_tallies (owner_id, status, type, marketplace, amount)
        SELECT owner_id, status, type, marketplace, sum(amount) FROM (
            SELECT owner_id, status, type, marketplace, -1 AS amount FROM before
            UNION ALL SELECT owner_id, status, type, marketplace, 1 FROM after
        ) changed GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_inserted AFTER INSERT ON e_invoices
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION e_invoices_tally();
CREATE TRIGGER tally_updated AFTER UPDATE ON e_invoices
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION e_invoices_tally();
CREATE TRIGGER tally_deleted AFTER DELETE ON e_invoices
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION e_invoices_tally();
"""


def upgrade() -> None:
    op.create_table('e_invoice_tallies',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('type', sa.String(length=20), nullable=False),
    sa.Column('marketplace', sa.String(length=100), nullable=True),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_e_invoice_tallies'))
    )
    op.create_index('ix_e_invoice_tallies_owner_id', 'e_invoice_tallies', ['owner_id'], unique=False)
    op.create_table('seller_logos',
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('media_type', sa.String(length=50), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_seller_logos'))
    )
    op.create_table('e_invoice_series',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('prefix', sa.String(length=10), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('last_number', sa.Integer(), nullable=False),
    sa.CheckConstraint('last_number >= 1', name=op.f('ck_e_invoice_series_last')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_e_invoice_series_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_e_invoice_series')),
    sa.UniqueConstraint('owner_id', 'prefix', 'year', name=op.f('uq_e_invoice_series_owner_id_prefix_year'))
    )
    op.create_table('module_grants',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('module', sa.String(length=50), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('ends_at >= starts_at', name=op.f('ck_module_grants_period')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_module_grants_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_module_grants')),
    sa.UniqueConstraint('user_id', 'module', name=op.f('uq_module_grants_user_id_module'))
    )
    op.create_table('seller_profiles',
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(length=300), nullable=False),
    sa.Column('tax_id', sa.String(length=50), server_default='', nullable=False),
    sa.Column('tax_office', sa.String(length=100), server_default='', nullable=False),
    sa.Column('address', sa.String(length=1000), server_default='', nullable=False),
    sa.Column('email', sa.String(length=254), server_default='', nullable=False),
    sa.Column('phone', sa.String(length=50), server_default='', nullable=False),
    sa.Column('website', sa.String(length=200), server_default='', nullable=False),
    sa.Column('bank', sa.String(length=300), server_default='', nullable=False),
    sa.Column('footer', sa.String(length=1000), server_default='', nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('timezone', sa.String(length=50), nullable=False),
    sa.Column('prefix', sa.String(length=10), nullable=False),
    sa.Column('default_vat_rate', sa.Numeric(precision=5, scale=2), nullable=False),
    sa.Column('provider', sa.String(length=50), nullable=False),
    sa.Column('logo_sha256', sa.String(length=64), nullable=True),
    sa.CheckConstraint("language IN ('tr', 'en')", name=op.f('ck_seller_profiles_language')),
    sa.CheckConstraint("prefix ~ '^[A-Z0-9]{1,10}$'", name=op.f('ck_seller_profiles_prefix')),
    sa.CheckConstraint('default_vat_rate BETWEEN 0 AND 100', name=op.f('ck_seller_profiles_default_vat_rate')),
    sa.ForeignKeyConstraint(['logo_sha256'], ['seller_logos.sha256'], name=op.f('fk_seller_profiles_logo_sha256')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_seller_profiles_owner_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('owner_id', name=op.f('pk_seller_profiles'))
    )
    op.create_table('e_invoices',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('type', sa.String(length=20), nullable=False),
    sa.Column('series_id', sa.BigInteger(), nullable=True),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('invoice_no', sa.String(length=50), nullable=True),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('original_id', sa.BigInteger(), nullable=True),
    sa.Column('sales_invoice_no', sa.String(length=50), nullable=True),
    sa.Column('marketplace', sa.String(length=100), nullable=True),
    sa.Column('marketplace_order_no', sa.String(length=100), nullable=True),
    sa.Column('buyer_name', sa.String(length=300), nullable=False),
    sa.Column('buyer_email', sa.String(length=254), server_default='', nullable=False),
    sa.Column('buyer_phone', sa.String(length=50), server_default='', nullable=False),
    sa.Column('buyer_tax_id', sa.String(length=50), server_default='', nullable=False),
    sa.Column('buyer_tax_office', sa.String(length=100), server_default='', nullable=False),
    sa.Column('buyer_address', sa.String(length=1000), server_default='', nullable=False),
    sa.Column('buyer_shipping_address', sa.String(length=1000), server_default='', nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('subtotal', sa.Numeric(precision=18, scale=3), nullable=False),
    sa.Column('discount_total', sa.Numeric(precision=18, scale=3), nullable=False),
    sa.Column('tax_total', sa.Numeric(precision=18, scale=3), nullable=False),
    sa.Column('grand_total', sa.Numeric(precision=18, scale=3), nullable=False),
    sa.Column('credited_total', sa.Numeric(precision=18, scale=3), server_default='0', nullable=False),
    sa.Column('refunded_from', sa.String(length=20), nullable=True),
    sa.Column('seller', sa.JSON(), nullable=True),
    sa.Column('provider', sa.String(length=50), nullable=False),
    sa.Column('provider_status', sa.String(length=100), nullable=True),
    sa.Column('provider_invoice_id', sa.String(length=255), nullable=True),
    sa.Column('provider_status_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('notes', sa.String(length=2000), server_default='', nullable=False),
    sa.Column('reason', sa.String(length=1000), server_default='', nullable=False),
    sa.Column('metadata', sa.JSON(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('search', postgresql.TSVECTOR(), sa.Computed("to_tsvector('simple', regexp_replace(translate(coalesce(invoice_no, '') || ' ' || coalesce(marketplace_order_no, '') || ' ' || coalesce(buyer_name, '') || ' ' || coalesce(buyer_email, '') || ' ' || coalesce(buyer_tax_id, '') || ' ' || coalesce(provider_invoice_id, ''), 'ıİ', 'ii'), '[^[:alnum:]]+', ' ', 'g'))", persisted=True), nullable=False),
    sa.CheckConstraint("(type = 'sale') = (original_id IS NULL)", name=op.f('ck_e_invoices_original')),
    sa.CheckConstraint("number IS NOT NULL OR status IN ('draft', 'cancelled')", name=op.f('ck_e_invoices_issued_has_number')),
    sa.CheckConstraint("status IN ('draft', 'issued', 'sent', 'accepted', 'rejected', 'cancelled', 'refunded')", name=op.f('ck_e_invoices_status')),
    sa.CheckConstraint("type IN ('sale', 'return', 'credit_note')", name=op.f('ck_e_invoices_type')),
    sa.CheckConstraint('(number IS NULL) = (invoice_no IS NULL) AND (number IS NULL) = (series_id IS NULL)', name=op.f('ck_e_invoices_number')),
    sa.CheckConstraint('(number IS NULL) = (issued_at IS NULL)', name=op.f('ck_e_invoices_issued_at')),
    sa.CheckConstraint('credited_total BETWEEN 0 AND grand_total', name=op.f('ck_e_invoices_credited_total')),
    sa.CheckConstraint('grand_total = subtotal + tax_total AND subtotal >= 0 AND tax_total >= 0', name=op.f('ck_e_invoices_totals')),
    sa.ForeignKeyConstraint(['original_id'], ['e_invoices.id'], name=op.f('fk_e_invoices_original_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_e_invoices_owner_id')),
    sa.ForeignKeyConstraint(['series_id'], ['e_invoice_series.id'], name=op.f('fk_e_invoices_series_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_e_invoices')),
    sa.UniqueConstraint('owner_id', 'invoice_no', name=op.f('uq_e_invoices_owner_id_invoice_no')),
    sa.UniqueConstraint('series_id', 'number', name=op.f('uq_e_invoices_series_id_number'))
    )
    op.create_index(op.f('ix_e_invoices_original_id'), 'e_invoices', ['original_id'], unique=False)
    op.create_index('ix_e_invoices_owner_id_id', 'e_invoices', ['owner_id', 'id'], unique=False)
    op.create_index('ix_e_invoices_owner_id_marketplace_id', 'e_invoices', ['owner_id', 'marketplace', 'id'], unique=False)
    op.create_index('ix_e_invoices_owner_id_status_id', 'e_invoices', ['owner_id', 'status', 'id'], unique=False)
    op.create_index('ix_e_invoices_owner_id_type_id', 'e_invoices', ['owner_id', 'type', 'id'], unique=False)
    op.create_index('ix_e_invoices_owner_id_updated_at_id', 'e_invoices', ['owner_id', 'updated_at', 'id'], unique=False)
    op.create_index('ix_e_invoices_sales_invoice_no', 'e_invoices', ['owner_id', 'sales_invoice_no'], unique=True, postgresql_where=sa.text("sales_invoice_no IS NOT NULL AND status <> 'cancelled'"))
    op.create_index('ix_e_invoices_search', 'e_invoices', ['search'], unique=False, postgresql_using='gin')
    op.create_index('ix_e_invoices_status_id', 'e_invoices', ['status', 'id'], unique=False)
    op.create_index('ix_e_invoices_updated_at_id', 'e_invoices', ['updated_at', 'id'], unique=False)
    op.create_table('e_invoice_callbacks',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('einvoice_id', sa.BigInteger(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('said', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['einvoice_id'], ['e_invoices.id'], name=op.f('fk_e_invoice_callbacks_einvoice_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_e_invoice_callbacks'))
    )
    op.create_index('ix_e_invoice_callbacks_due_at', 'e_invoice_callbacks', ['due_at'], unique=False)
    op.create_table('e_invoice_events',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('einvoice_id', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.String(length=50), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['einvoice_id'], ['e_invoices.id'], name=op.f('fk_e_invoice_events_einvoice_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_e_invoice_events'))
    )
    op.create_index('ix_e_invoice_events_einvoice_id_id', 'e_invoice_events', ['einvoice_id', 'id'], unique=False)
    op.create_table('e_invoice_items',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('einvoice_id', sa.BigInteger(), nullable=False),
    sa.Column('line_no', sa.Integer(), nullable=False),
    sa.Column('sku', sa.String(length=100), server_default='', nullable=False),
    sa.Column('name', sa.String(length=500), nullable=False),
    sa.Column('quantity', sa.Numeric(precision=13, scale=4), nullable=False),
    sa.Column('unit_price', sa.Numeric(precision=14, scale=4), nullable=False),
    sa.Column('discount_amount', sa.Numeric(precision=18, scale=3), nullable=False),
    sa.Column('vat_rate', sa.Numeric(precision=5, scale=2), nullable=False),
    sa.Column('net', sa.Numeric(precision=18, scale=3), nullable=False),
    sa.Column('vat_amount', sa.Numeric(precision=18, scale=3), nullable=False),
    sa.Column('total', sa.Numeric(precision=18, scale=3), nullable=False),
    sa.Column('original_item_id', sa.BigInteger(), nullable=True),
    sa.Column('credited_quantity', sa.Numeric(precision=13, scale=4), server_default='0', nullable=False),
    sa.Column('credited_net', sa.Numeric(precision=18, scale=3), server_default='0', nullable=False),
    sa.CheckConstraint('credited_net BETWEEN 0 AND net', name=op.f('ck_e_invoice_items_credited_net')),
    sa.CheckConstraint('credited_quantity BETWEEN 0 AND quantity', name=op.f('ck_e_invoice_items_credited_quantity')),
    sa.CheckConstraint('quantity > 0 AND unit_price >= 0 AND discount_amount >= 0', name=op.f('ck_e_invoice_items_amounts')),
    sa.CheckConstraint('total = net + vat_amount AND net >= 0 AND vat_amount >= 0', name=op.f('ck_e_invoice_items_total')),
    sa.CheckConstraint('vat_rate BETWEEN 0 AND 100', name=op.f('ck_e_invoice_items_vat_rate')),
    sa.ForeignKeyConstraint(['einvoice_id'], ['e_invoices.id'], name=op.f('fk_e_invoice_items_einvoice_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['original_item_id'], ['e_invoice_items.id'], name=op.f('fk_e_invoice_items_original_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_e_invoice_items')),
    sa.UniqueConstraint('einvoice_id', 'line_no', name=op.f('uq_e_invoice_items_einvoice_id_line_no'))
    )
    op.create_index('ix_e_invoice_items_original_item_id', 'e_invoice_items', ['original_item_id'], unique=False)
    op.create_table('e_invoice_pdfs',
    sa.Column('einvoice_id', sa.BigInteger(), nullable=False),
    sa.Column('path', sa.String(length=200), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claim_id', sa.Uuid(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f('ck_e_invoice_pdfs_state')),
    sa.CheckConstraint('(path IS NULL) = (sha256 IS NULL)', name=op.f('ck_e_invoice_pdfs_stored')),
    sa.ForeignKeyConstraint(['einvoice_id'], ['e_invoices.id'], name=op.f('fk_e_invoice_pdfs_einvoice_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('einvoice_id', name=op.f('pk_e_invoice_pdfs'))
    )
    op.create_index('ix_e_invoice_pdfs_claim_id', 'e_invoice_pdfs', ['claim_id'], unique=True, postgresql_where=sa.text('claim_id IS NOT NULL'))
    op.create_index('ix_e_invoice_pdfs_due', 'e_invoice_pdfs', ['due_at'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_table('e_invoice_sendings',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('einvoice_id', sa.BigInteger(), nullable=False),
    sa.Column('provider', sa.String(length=50), nullable=False),
    sa.Column('key', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claim_id', sa.Uuid(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f('ck_e_invoice_sendings_state')),
    sa.ForeignKeyConstraint(['einvoice_id'], ['e_invoices.id'], name=op.f('fk_e_invoice_sendings_einvoice_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_e_invoice_sendings'))
    )
    op.create_index('ix_e_invoice_sendings_claim_id', 'e_invoice_sendings', ['claim_id'], unique=True, postgresql_where=sa.text('claim_id IS NOT NULL'))
    op.create_index('ix_e_invoice_sendings_due', 'e_invoice_sendings', ['due_at'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_index('ix_e_invoice_sendings_open', 'e_invoice_sendings', ['einvoice_id'], unique=True, postgresql_where=sa.text("state = 'pending'"))
    op.execute(TALLY)


def downgrade() -> None:
    op.drop_index('ix_e_invoice_sendings_open', table_name='e_invoice_sendings', postgresql_where=sa.text("state = 'pending'"))
    op.drop_index('ix_e_invoice_sendings_claim_id', table_name='e_invoice_sendings', postgresql_where=sa.text('claim_id IS NOT NULL'))
    op.drop_index('ix_e_invoice_sendings_due', table_name='e_invoice_sendings', postgresql_where=sa.text("state = 'pending'"))
    op.drop_table('e_invoice_sendings')
    op.drop_index('ix_e_invoice_pdfs_claim_id', table_name='e_invoice_pdfs', postgresql_where=sa.text('claim_id IS NOT NULL'))
    op.drop_index('ix_e_invoice_pdfs_due', table_name='e_invoice_pdfs', postgresql_where=sa.text("state = 'pending'"))
    op.drop_table('e_invoice_pdfs')
    op.drop_index('ix_e_invoice_items_original_item_id', table_name='e_invoice_items')
    op.drop_table('e_invoice_items')
    op.drop_index('ix_e_invoice_events_einvoice_id_id', table_name='e_invoice_events')
    op.drop_table('e_invoice_events')
    op.drop_index('ix_e_invoice_callbacks_due_at', table_name='e_invoice_callbacks')
    op.drop_table('e_invoice_callbacks')
    op.drop_index('ix_e_invoices_updated_at_id', table_name='e_invoices')
    op.drop_index('ix_e_invoices_status_id', table_name='e_invoices')
    op.drop_index('ix_e_invoices_search', table_name='e_invoices', postgresql_using='gin')
    op.drop_index('ix_e_invoices_sales_invoice_no', table_name='e_invoices', postgresql_where=sa.text("sales_invoice_no IS NOT NULL AND status <> 'cancelled'"))
    op.drop_index('ix_e_invoices_owner_id_updated_at_id', table_name='e_invoices')
    op.drop_index('ix_e_invoices_owner_id_type_id', table_name='e_invoices')
    op.drop_index('ix_e_invoices_owner_id_status_id', table_name='e_invoices')
    op.drop_index('ix_e_invoices_owner_id_marketplace_id', table_name='e_invoices')
    op.drop_index('ix_e_invoices_owner_id_id', table_name='e_invoices')
    op.drop_index(op.f('ix_e_invoices_original_id'), table_name='e_invoices')
    op.drop_table('e_invoices')
    op.execute("DROP FUNCTION e_invoices_tally()")
    op.drop_table('seller_profiles')
    op.drop_table('module_grants')
    op.drop_table('e_invoice_series')
    op.drop_table('seller_logos')
    op.drop_index('ix_e_invoice_tallies_owner_id', table_name='e_invoice_tallies')
    op.drop_table('e_invoice_tallies')
