"""Goods receipts: master data, receipts with fabric items and rolls, ledgers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('fabrics',
    sa.Column('composition', sa.String(length=300), nullable=True),
    sa.Column('gsm', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=True),
    sa.Column('code', sa.String(length=100), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('metadata', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('gsm >= 0', name=op.f('ck_fabrics_gsm')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fabrics')),
    sa.UniqueConstraint('external_id', name=op.f('uq_fabrics_external_id'))
    )
    op.create_index('ix_fabrics_code_prefix', 'fabrics', [sa.literal_column('lower(code) text_pattern_ops')], unique=False)
    op.create_index('ix_fabrics_name_prefix', 'fabrics', [sa.literal_column('lower(name) text_pattern_ops')], unique=False)
    op.create_table('production_orders',
    sa.Column('buyer', sa.String(length=200), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=True),
    sa.Column('code', sa.String(length=100), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('metadata', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_production_orders')),
    sa.UniqueConstraint('external_id', name=op.f('uq_production_orders_external_id'))
    )
    op.create_index('ix_production_orders_code_prefix', 'production_orders', [sa.literal_column('lower(code) text_pattern_ops')], unique=False)
    op.create_index('ix_production_orders_name_prefix', 'production_orders', [sa.literal_column('lower(name) text_pattern_ops')], unique=False)
    op.create_table('products',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=True),
    sa.Column('code', sa.String(length=100), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('metadata', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_products')),
    sa.UniqueConstraint('external_id', name=op.f('uq_products_external_id'))
    )
    op.create_index('ix_products_code_prefix', 'products', [sa.literal_column('lower(code) text_pattern_ops')], unique=False)
    op.create_index('ix_products_name_prefix', 'products', [sa.literal_column('lower(name) text_pattern_ops')], unique=False)
    op.create_table('suppliers',
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('phone', sa.String(length=50), nullable=True),
    sa.Column('address', sa.String(length=500), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=True),
    sa.Column('code', sa.String(length=100), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('metadata', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suppliers')),
    sa.UniqueConstraint('external_id', name=op.f('uq_suppliers_external_id'))
    )
    op.create_index('ix_suppliers_code_prefix', 'suppliers', [sa.literal_column('lower(code) text_pattern_ops')], unique=False)
    op.create_index('ix_suppliers_name_prefix', 'suppliers', [sa.literal_column('lower(name) text_pattern_ops')], unique=False)
    op.create_table('fabric_colors',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('fabric_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('color', sa.String(length=100), nullable=False),
    sa.Column('color_code', sa.String(length=100), nullable=True),
    sa.Column('color_shade', sa.String(length=100), nullable=True),
    sa.ForeignKeyConstraint(['fabric_id'], ['fabrics.id'], name=op.f('fk_fabric_colors_fabric_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fabric_colors')),
    sa.UniqueConstraint('fabric_id', 'color', 'color_shade', name=op.f('uq_fabric_colors_fabric_id_color_color_shade'), postgresql_nulls_not_distinct=True)
    )
    op.create_index('ix_fabric_colors_fabric_id_position', 'fabric_colors', ['fabric_id', 'position'], unique=False)
    op.create_table('flow_infos',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=False),
    sa.Column('style', sa.String(length=100), nullable=False),
    sa.Column('color', sa.String(length=100), nullable=False),
    sa.Column('order_qty', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.CheckConstraint('order_qty >= 0', name=op.f('ck_flow_infos_order_qty')),
    sa.ForeignKeyConstraint(['order_id'], ['production_orders.id'], name=op.f('fk_flow_infos_order_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_flow_infos_product_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_infos')),
    sa.UniqueConstraint('id', 'order_id', name=op.f('uq_flow_infos_id_order_id')),
    sa.UniqueConstraint('order_id', 'product_id', 'style', 'color', name=op.f('uq_flow_infos_order_id_product_id_style_color'))
    )
    op.create_index('ix_flow_infos_order_id_position', 'flow_infos', ['order_id', 'position'], unique=False)
    op.create_index('ix_flow_infos_product_id', 'flow_infos', ['product_id'], unique=False)
    op.create_table('goods_receipts',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=True),
    sa.Column('supplier_id', sa.BigInteger(), nullable=False),
    sa.Column('invoice_no', sa.String(length=100), nullable=False),
    sa.Column('invoice_date', sa.Date(), nullable=True),
    sa.Column('erp_invoice_no', sa.String(length=100), nullable=True),
    sa.Column('metadata', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['supplier_id'], ['suppliers.id'], name=op.f('fk_goods_receipts_supplier_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_goods_receipts')),
    sa.UniqueConstraint('external_id', name=op.f('uq_goods_receipts_external_id'))
    )
    op.create_index('ix_goods_receipts_created_at_id', 'goods_receipts', ['created_at', 'id'], unique=False)
    op.create_index('ix_goods_receipts_erp_invoice_no_prefix', 'goods_receipts', [sa.literal_column('lower(erp_invoice_no) text_pattern_ops')], unique=False)
    op.create_index('ix_goods_receipts_external_id_prefix', 'goods_receipts', [sa.literal_column('lower(external_id) text_pattern_ops')], unique=False)
    op.create_index('ix_goods_receipts_invoice_date_id', 'goods_receipts', ['invoice_date', 'id'], unique=False)
    op.create_index('ix_goods_receipts_invoice_no_id', 'goods_receipts', ['invoice_no', 'id'], unique=False)
    op.create_index('ix_goods_receipts_invoice_no_prefix', 'goods_receipts', [sa.literal_column('lower(invoice_no) text_pattern_ops')], unique=False)
    op.create_index('ix_goods_receipts_supplier_id_id', 'goods_receipts', ['supplier_id', 'id'], unique=False)
    op.create_table('fabric_items',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('receipt_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('serial', sa.Integer(), nullable=True),
    sa.Column('external_id', sa.String(length=100), nullable=True),
    sa.Column('fabric_id', sa.BigInteger(), nullable=False),
    sa.Column('color', sa.String(length=100), nullable=False),
    sa.Column('color_code', sa.String(length=100), nullable=True),
    sa.Column('color_shade', sa.String(length=100), nullable=True),
    sa.Column('order_id', sa.BigInteger(), nullable=True),
    sa.Column('external_order_ids', postgresql.ARRAY(sa.String(length=100)), nullable=True),
    sa.Column('fpo', sa.String(length=100), nullable=True),
    sa.Column('order_qty', sa.Numeric(precision=18, scale=6), nullable=False),
    sa.Column('ordering_width', sa.Numeric(precision=18, scale=6), nullable=False),
    sa.Column('uom_width', sa.String(length=20), nullable=True),
    sa.Column('uom_length', sa.String(length=20), nullable=True),
    sa.Column('ordering_gsm', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('invoice_qty', sa.Numeric(precision=18, scale=6), nullable=False),
    sa.Column('grn', sa.String(length=100), nullable=False),
    sa.Column('grn_qty', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('declared_grn_qty', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('grn_date', sa.Date(), nullable=True),
    sa.Column('warehouse', sa.String(length=100), nullable=True),
    sa.Column('blanket_qty', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('roll_count', sa.Integer(), nullable=False),
    sa.Column('metadata', sa.JSON(none_as_null=True), nullable=True),
    sa.CheckConstraint("uom_length IN ('meter', 'yard', 'kilogram')", name=op.f('ck_fabric_items_uom_length')),
    sa.CheckConstraint("uom_width IN ('centimeter', 'inch', 'yard')", name=op.f('ck_fabric_items_uom_width')),
    sa.CheckConstraint('blanket_qty >= 0', name=op.f('ck_fabric_items_blanket_qty')),
    sa.CheckConstraint('grn_qty >= 0', name=op.f('ck_fabric_items_grn_qty')),
    sa.CheckConstraint('invoice_qty >= 0', name=op.f('ck_fabric_items_invoice_qty')),
    sa.CheckConstraint('order_qty >= 0', name=op.f('ck_fabric_items_order_qty')),
    sa.CheckConstraint('ordering_gsm >= 0', name=op.f('ck_fabric_items_ordering_gsm')),
    sa.CheckConstraint('ordering_width >= 0', name=op.f('ck_fabric_items_ordering_width')),
    sa.CheckConstraint('roll_count >= 0', name=op.f('ck_fabric_items_roll_count')),
    sa.ForeignKeyConstraint(['fabric_id'], ['fabrics.id'], name=op.f('fk_fabric_items_fabric_id')),
    sa.ForeignKeyConstraint(['order_id'], ['production_orders.id'], name=op.f('fk_fabric_items_order_id')),
    sa.ForeignKeyConstraint(['receipt_id'], ['goods_receipts.id'], name=op.f('fk_fabric_items_receipt_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fabric_items'))
    )
    op.create_index('ix_fabric_items_external_order_ids', 'fabric_items', ['external_order_ids'], unique=False, postgresql_using='gin')
    op.create_index('ix_fabric_items_fabric_id_color', 'fabric_items', ['fabric_id', 'color'], unique=False)
    op.create_index('ix_fabric_items_grn_date', 'fabric_items', ['grn_date'], unique=False)
    op.create_index('ix_fabric_items_grn_prefix', 'fabric_items', [sa.literal_column('lower(grn) text_pattern_ops')], unique=False)
    op.create_index('ix_fabric_items_order_id', 'fabric_items', ['order_id'], unique=False)
    op.create_index('ix_fabric_items_receipt_id_position', 'fabric_items', ['receipt_id', 'position'], unique=False)
    op.create_index('ix_fabric_items_warehouse', 'fabric_items', ['warehouse'], unique=False)
    op.create_table('flow_parts',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('flow_info_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('part_name', sa.String(length=100), nullable=False),
    sa.ForeignKeyConstraint(['flow_info_id'], ['flow_infos.id'], name=op.f('fk_flow_parts_flow_info_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_parts')),
    sa.UniqueConstraint('flow_info_id', 'part_name', name=op.f('uq_flow_parts_flow_info_id_part_name')),
    sa.UniqueConstraint('id', 'flow_info_id', name=op.f('uq_flow_parts_id_flow_info_id'))
    )
    op.create_table('fabric_ledger_rows',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('fabric_item_id', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.String(length=3), nullable=False),
    sa.Column('out_type', sa.String(length=20), nullable=True),
    sa.Column('qty', sa.Numeric(precision=18, scale=6), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=True),
    sa.Column('flow_info_id', sa.BigInteger(), nullable=True),
    sa.Column('product_id', sa.BigInteger(), nullable=True),
    sa.Column('style', sa.String(length=100), nullable=True),
    sa.Column('color', sa.String(length=100), nullable=True),
    sa.Column('part_id', sa.BigInteger(), nullable=True),
    sa.Column('order_qty', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('extra_percent', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('fabric_required', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('extra_fabric_required', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('remarks', sa.String(length=1000), nullable=True),
    sa.Column('created_by', sa.String(length=200), nullable=False),
    sa.Column('metadata', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(out_type IS NOT DISTINCT FROM 'Association') = (flow_info_id IS NOT NULL)", name=op.f('ck_fabric_ledger_rows_association')),
    sa.CheckConstraint("(type = 'OUT') = (out_type IS NOT NULL)", name=op.f('ck_fabric_ledger_rows_out_type_of_out')),
    sa.CheckConstraint("out_type IN ('Association', 'Sampling', 'Write-Off', 'Return-mill')", name=op.f('ck_fabric_ledger_rows_out_type')),
    sa.CheckConstraint("type IN ('IN', 'OUT')", name=op.f('ck_fabric_ledger_rows_type')),
    sa.CheckConstraint('extra_fabric_required >= 0', name=op.f('ck_fabric_ledger_rows_extra_fabric_required')),
    sa.CheckConstraint('extra_percent >= 0', name=op.f('ck_fabric_ledger_rows_extra_percent')),
    sa.CheckConstraint('fabric_required >= 0', name=op.f('ck_fabric_ledger_rows_fabric_required')),
    sa.CheckConstraint('order_qty >= 0', name=op.f('ck_fabric_ledger_rows_order_qty')),
    sa.CheckConstraint('qty >= 0', name=op.f('ck_fabric_ledger_rows_qty')),
    sa.ForeignKeyConstraint(['fabric_item_id'], ['fabric_items.id'], name=op.f('fk_fabric_ledger_rows_fabric_item_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['flow_info_id', 'order_id'], ['flow_infos.id', 'flow_infos.order_id'], name=op.f('fk_fabric_ledger_rows_flow_info_id_order_id')),
    sa.ForeignKeyConstraint(['part_id', 'flow_info_id'], ['flow_parts.id', 'flow_parts.flow_info_id'], name=op.f('fk_fabric_ledger_rows_part_id_flow_info_id')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_fabric_ledger_rows_product_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fabric_ledger_rows'))
    )
    op.create_index('ix_fabric_ledger_rows_fabric_item_id_id', 'fabric_ledger_rows', ['fabric_item_id', 'id'], unique=False)
    op.create_index('ix_fabric_ledger_rows_flow_info_id', 'fabric_ledger_rows', ['flow_info_id'], unique=False)
    op.create_index('ix_fabric_ledger_rows_part_id', 'fabric_ledger_rows', ['part_id'], unique=False)
    op.create_index('ix_fabric_ledger_rows_product_id', 'fabric_ledger_rows', ['product_id'], unique=False)
    op.create_table('supplier_rolls',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('fabric_item_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('supplier_roll_no', sa.String(length=100), nullable=False),
    sa.Column('factory_roll_no', sa.String(length=100), nullable=True),
    sa.Column('supplier_length', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('supplier_width', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('supplier_weight', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('gsm', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('inspected_length', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('inspected_width', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('inspected_weight', sa.Numeric(precision=18, scale=6), nullable=True),
    sa.Column('blanket_qty', sa.Numeric(precision=18, scale=6), nullable=False),
    sa.Column('shade', sa.String(length=100), nullable=True),
    sa.Column('inspected_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('metadata', sa.JSON(none_as_null=True), nullable=True),
    sa.CheckConstraint('blanket_qty >= 0 AND blanket_qty <= coalesce(inspected_length, supplier_length, blanket_qty)', name=op.f('ck_supplier_rolls_blanket_qty')),
    sa.CheckConstraint('gsm >= 0', name=op.f('ck_supplier_rolls_gsm')),
    sa.CheckConstraint('inspected_length >= 0', name=op.f('ck_supplier_rolls_inspected_length')),
    sa.CheckConstraint('inspected_weight >= 0', name=op.f('ck_supplier_rolls_inspected_weight')),
    sa.CheckConstraint('inspected_width >= 0', name=op.f('ck_supplier_rolls_inspected_width')),
    sa.CheckConstraint('supplier_length >= 0', name=op.f('ck_supplier_rolls_supplier_length')),
    sa.CheckConstraint('supplier_weight >= 0', name=op.f('ck_supplier_rolls_supplier_weight')),
    sa.CheckConstraint('supplier_width >= 0', name=op.f('ck_supplier_rolls_supplier_width')),
    sa.ForeignKeyConstraint(['fabric_item_id'], ['fabric_items.id'], name=op.f('fk_supplier_rolls_fabric_item_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supplier_rolls'))
    )
    op.create_index('ix_supplier_rolls_fabric_item_id_position', 'supplier_rolls', ['fabric_item_id', 'position'], unique=False)
    op.create_index('ix_supplier_rolls_factory_roll_no_lower', 'supplier_rolls', [sa.literal_column('lower(factory_roll_no)')], unique=False)
    op.create_index('ix_supplier_rolls_supplier_roll_no_lower', 'supplier_rolls', [sa.literal_column('lower(supplier_roll_no)')], unique=False)


def downgrade() -> None:
    op.drop_table('supplier_rolls')
    op.drop_table('fabric_ledger_rows')
    op.drop_table('flow_parts')
    op.drop_table('fabric_items')
    op.drop_table('goods_receipts')
    op.drop_table('flow_infos')
    op.drop_table('fabric_colors')
    op.drop_table('suppliers')
    op.drop_table('products')
    op.drop_table('production_orders')
    op.drop_table('fabrics')
