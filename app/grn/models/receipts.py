"""Models of goods receipts: the receipt, its fabric items, their rolls and their ledger rows."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.grn.models.columns import (
    LedgerType,
    LengthUnit,
    OutType,
    WidthUnit,
    created,
    identity,
    metadata,
    never_negative,
    prefix_index,
    quantity,
    text,
)
from app.kernel.database.check_constraints import one_of


class GoodsReceipt(db.Model):
    """The goods of one supplier's invoice; the GRN document calls it an invoice."""

    __tablename__ = "goods_receipts"
    __table_args__ = (
        Index("ix_goods_receipts_supplier_id_id", "supplier_id", "id"),
        Index("ix_goods_receipts_created_at_id", "created_at", "id"),
        Index("ix_goods_receipts_invoice_no_id", "invoice_no", "id"),
        Index("ix_goods_receipts_invoice_date_id", "invoice_date", "id"),
        prefix_index("goods_receipts", "external_id"),
        prefix_index("goods_receipts", "invoice_no"),
        prefix_index("goods_receipts", "erp_invoice_no"),
    )

    id: Mapped[int] = identity()
    external_id: Mapped[str | None] = text(100, unique=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"), nullable=False)
    invoice_no: Mapped[str] = mapped_column(String(100), nullable=False)
    invoice_date: Mapped[date | None] = mapped_column(Date)
    erp_invoice_no: Mapped[str | None] = text(100)
    extra: Mapped[dict[str, Any] | None] = metadata()
    created_at: Mapped[datetime] = created()
    updated_at: Mapped[datetime] = created()

    fabric_items: Mapped[list[FabricItem]] = relationship(
        lazy="raise_on_sql", order_by="FabricItem.position", back_populates="receipt", passive_deletes="all"
    )


class FabricItem(db.Model):
    """A line of a receipt: one fabric in one colour; quantities are in ``uom_length``."""

    __tablename__ = "fabric_items"
    __table_args__ = (
        one_of("uom_width", WidthUnit),
        one_of("uom_length", LengthUnit),
        *never_negative(
            "order_qty", "ordering_width", "ordering_gsm", "invoice_qty", "grn_qty", "blanket_qty", "roll_count"
        ),
        Index("ix_fabric_items_receipt_id_position", "receipt_id", "position"),
        Index("ix_fabric_items_fabric_id_color", "fabric_id", "color"),
        Index("ix_fabric_items_order_id", "order_id"),
        Index("ix_fabric_items_grn_date", "grn_date"),
        Index("ix_fabric_items_color_lower", sql("lower(color)")),
        Index("ix_fabric_items_warehouse_lower", sql("lower(warehouse)")),
        Index("ix_fabric_items_external_order_ids", "external_order_ids", postgresql_using="gin"),
        prefix_index("fabric_items", "grn"),
    )

    id: Mapped[int] = identity()
    receipt_id: Mapped[int] = mapped_column(ForeignKey("goods_receipts.id", ondelete="CASCADE"), nullable=False)
    #: Index in the payload; ``serial`` is the client's own number.
    position: Mapped[int] = mapped_column(Integer, nullable=False)
    serial: Mapped[int | None] = mapped_column(Integer)
    external_id: Mapped[str | None] = text(100)
    fabric_id: Mapped[int] = mapped_column(ForeignKey("fabrics.id"), nullable=False)
    color: Mapped[str] = mapped_column(String(100), nullable=False)
    color_code: Mapped[str | None] = text(100)
    color_shade: Mapped[str | None] = text(100)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("production_orders.id"))
    external_order_ids: Mapped[list[str] | None] = mapped_column(ARRAY(String(100)))
    fpo: Mapped[str | None] = text(100)
    order_qty: Mapped[Decimal] = quantity(nullable=False)  # type: ignore[assignment]
    ordering_width: Mapped[Decimal] = quantity(nullable=False)  # type: ignore[assignment]
    uom_width: Mapped[str | None] = text(20)
    uom_length: Mapped[str | None] = text(20)
    ordering_gsm: Mapped[Decimal | None] = quantity()
    invoice_qty: Mapped[Decimal] = quantity(nullable=False)  # type: ignore[assignment]
    grn: Mapped[str] = mapped_column(String(100), nullable=False)
    #: Sum of the packing list, else ``declared_grn_qty``, the quantity that the client sent.
    grn_qty: Mapped[Decimal | None] = quantity()
    declared_grn_qty: Mapped[Decimal | None] = quantity()
    grn_date: Mapped[date | None] = mapped_column(Date)
    warehouse: Mapped[str | None] = text(100)
    blanket_qty: Mapped[Decimal | None] = quantity()
    roll_count: Mapped[int] = mapped_column(Integer, nullable=False)
    extra: Mapped[dict[str, Any] | None] = metadata()

    receipt: Mapped[GoodsReceipt] = relationship(lazy="raise_on_sql", back_populates="fabric_items")
    rolls: Mapped[list[SupplierRoll]] = relationship(
        lazy="raise_on_sql", order_by="SupplierRoll.position", back_populates="item", passive_deletes="all"
    )


class SupplierRoll(db.Model):
    """A roll of a packing list; ``inspected_*`` are null until the inspection."""

    __tablename__ = "supplier_rolls"
    __table_args__ = (
        *never_negative(
            "supplier_length",
            "supplier_width",
            "supplier_weight",
            "gsm",
            "inspected_length",
            "inspected_width",
            "inspected_weight",
        ),
        CheckConstraint(
            "blanket_qty >= 0 AND blanket_qty <= coalesce(inspected_length, supplier_length, blanket_qty)",
            name="blanket_qty",
        ),
        Index("ix_supplier_rolls_fabric_item_id_position", "fabric_item_id", "position"),
        Index("ix_supplier_rolls_supplier_roll_no_id", "supplier_roll_no", "id"),
        Index("ix_supplier_rolls_inspected", "id", postgresql_where=sql("inspected_at IS NOT NULL")),
        Index("ix_supplier_rolls_waiting", "id", postgresql_where=sql("inspected_at IS NULL")),
        prefix_index("supplier_rolls", "supplier_roll_no"),
        prefix_index("supplier_rolls", "factory_roll_no"),
    )

    id: Mapped[int] = identity()
    fabric_item_id: Mapped[int] = mapped_column(ForeignKey("fabric_items.id", ondelete="CASCADE"), nullable=False)
    position: Mapped[int] = mapped_column(Integer, nullable=False)
    supplier_roll_no: Mapped[str] = mapped_column(String(100), nullable=False)
    factory_roll_no: Mapped[str | None] = text(100)
    supplier_length: Mapped[Decimal | None] = quantity()
    supplier_width: Mapped[Decimal | None] = quantity()
    supplier_weight: Mapped[Decimal | None] = quantity()
    gsm: Mapped[Decimal | None] = quantity()
    inspected_length: Mapped[Decimal | None] = quantity()
    inspected_width: Mapped[Decimal | None] = quantity()
    inspected_weight: Mapped[Decimal | None] = quantity()
    blanket_qty: Mapped[Decimal] = quantity(nullable=False)  # type: ignore[assignment]
    shade: Mapped[str | None] = text(100)
    inspected_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    extra: Mapped[dict[str, Any] | None] = metadata()

    item: Mapped[FabricItem] = relationship(lazy="raise_on_sql", back_populates="rolls")

    @property
    def length(self) -> Decimal | None:
        """Inspected length, else the supplier's length."""
        return self.supplier_length if self.inspected_length is None else self.inspected_length

    @property
    def width(self) -> Decimal | None:
        return self.supplier_width if self.inspected_width is None else self.inspected_width

    @property
    def weight(self) -> Decimal | None:
        return self.supplier_weight if self.inspected_weight is None else self.inspected_weight

    @property
    def effective_length(self) -> Decimal | None:
        """Length minus the blanket, which is cut off for the shade and shrinkage report."""
        return None if self.length is None else self.length - self.blanket_qty


class LedgerRow(db.Model):
    """A movement into or out of a fabric item; ``extra_percent`` is the cutting reserve in percent."""

    __tablename__ = "fabric_ledger_rows"
    __table_args__ = (
        one_of("type", LedgerType),
        one_of("out_type", OutType),
        CheckConstraint("(type = 'OUT') = (out_type IS NOT NULL)", name="out_type_of_out"),
        CheckConstraint(
            "(out_type IS NOT DISTINCT FROM 'Association') = (flow_info_id IS NOT NULL)", name="association"
        ),
        *never_negative("qty", "order_qty", "extra_percent", "fabric_required", "extra_fabric_required"),
        # The flow line must belong to the order, and the part to the flow line.
        ForeignKeyConstraint(["flow_info_id", "order_id"], ["flow_infos.id", "flow_infos.order_id"]),
        ForeignKeyConstraint(["part_id", "flow_info_id"], ["flow_parts.id", "flow_parts.flow_info_id"]),
        Index("ix_fabric_ledger_rows_fabric_item_id_id", "fabric_item_id", "id"),
        Index("ix_fabric_ledger_rows_flow_info_id", "flow_info_id"),
        Index("ix_fabric_ledger_rows_part_id", "part_id"),
        Index("ix_fabric_ledger_rows_product_id", "product_id"),
    )

    id: Mapped[int] = identity()
    fabric_item_id: Mapped[int] = mapped_column(ForeignKey("fabric_items.id", ondelete="CASCADE"), nullable=False)
    type: Mapped[str] = mapped_column(String(3), nullable=False)
    out_type: Mapped[str | None] = text(20)
    qty: Mapped[Decimal] = quantity(nullable=False)  # type: ignore[assignment]
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    flow_info_id: Mapped[int | None] = mapped_column(BigInteger)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    style: Mapped[str | None] = text(100)
    color: Mapped[str | None] = text(100)
    part_id: Mapped[int | None] = mapped_column(BigInteger)
    order_qty: Mapped[Decimal | None] = quantity()
    extra_percent: Mapped[Decimal | None] = quantity()
    fabric_required: Mapped[Decimal | None] = quantity()
    extra_fabric_required: Mapped[Decimal | None] = quantity()
    remarks: Mapped[str | None] = text(1000)
    created_by: Mapped[str] = mapped_column(String(200), nullable=False)
    extra: Mapped[dict[str, Any] | None] = metadata()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, server_default=func.now())
