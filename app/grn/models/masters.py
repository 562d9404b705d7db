"""Models of master data: suppliers, fabrics with colours, products, and orders with flow lines and parts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.grn.models.columns import created, identity, metadata, never_negative, prefix_index, quantity, text


def _search_indexes(table: str) -> tuple[Index, ...]:
    prefixes = (prefix_index(table, column) for column in ("name", "code"))
    return (*prefixes, Index(f"ix_{table}_name_id", "name", "id"))


class Master:
    """Common columns of master data."""

    id: Mapped[int] = identity()
    external_id: Mapped[str | None] = text(100, unique=True)
    code: Mapped[str | None] = text(100)
    name: Mapped[str] = mapped_column(String(200), nullable=False)
    extra: Mapped[dict[str, Any] | None] = metadata()
    created_at: Mapped[datetime] = created()


class Supplier(Master, db.Model):
    """A mill or trader that fabric is bought from."""

    __tablename__ = "suppliers"
    __table_args__ = _search_indexes("suppliers")

    email: Mapped[str | None] = text(254)
    phone: Mapped[str | None] = text(50)
    #: As it is printed; the parts are for legal documents, as all that follows.
    address: Mapped[str | None] = text(500)
    tax_id: Mapped[str | None] = text(50)
    tax_scheme: Mapped[str | None] = text(10)
    tax_office: Mapped[str | None] = text(100)
    street: Mapped[str | None] = text(300)
    district: Mapped[str | None] = text(100)
    city: Mapped[str | None] = text(100)
    region: Mapped[str | None] = text(100)
    postcode: Mapped[str | None] = text(20)
    country: Mapped[str | None] = text(2)
    endpoint: Mapped[str | None] = text(100)
    endpoint_scheme: Mapped[str | None] = text(10)


class Product(Master, db.Model):
    """A garment that is made to order."""

    __tablename__ = "products"
    __table_args__ = _search_indexes("products")


class Fabric(Master, db.Model):
    """A fabric with its colours."""

    __tablename__ = "fabrics"
    __table_args__ = (*_search_indexes("fabrics"), *never_negative("gsm"))

    composition: Mapped[str | None] = text(300)
    gsm: Mapped[Decimal | None] = quantity()

    colors: Mapped[list[FabricColor]] = relationship(
        lazy="raise_on_sql", order_by="FabricColor.position", cascade="all, delete-orphan"
    )


class FabricColor(db.Model):
    """A colour of a fabric."""

    __tablename__ = "fabric_colors"
    __table_args__ = (
        UniqueConstraint("fabric_id", "color", "color_shade", postgresql_nulls_not_distinct=True),
        Index("ix_fabric_colors_fabric_id_position", "fabric_id", "position"),
    )

    id: Mapped[int] = identity()
    fabric_id: Mapped[int] = mapped_column(ForeignKey("fabrics.id", ondelete="CASCADE"), nullable=False)
    position: Mapped[int] = mapped_column(Integer, nullable=False)
    color: Mapped[str] = mapped_column(String(100), nullable=False)
    color_code: Mapped[str | None] = text(100)
    color_shade: Mapped[str | None] = text(100)


class ProductionOrder(Master, db.Model):
    """A buyer's order with its flow lines."""

    __tablename__ = "production_orders"
    __table_args__ = _search_indexes("production_orders")

    buyer: Mapped[str | None] = text(200)

    flow_infos: Mapped[list[FlowInfo]] = relationship(
        lazy="raise_on_sql", order_by="FlowInfo.position", cascade="all, delete-orphan"
    )


class FlowInfo(db.Model):
    """A flow line of an order: one style of a product in one colour, for cutting and sewing."""

    __tablename__ = "flow_infos"
    __table_args__ = (
        *never_negative("order_qty"),
        UniqueConstraint("id", "order_id"),
        UniqueConstraint("order_id", "product_id", "style", "color"),
        Index("ix_flow_infos_order_id_position", "order_id", "position"),
        Index("ix_flow_infos_product_id", "product_id"),
    )

    id: Mapped[int] = identity()
    order_id: Mapped[int] = mapped_column(ForeignKey("production_orders.id", ondelete="CASCADE"), nullable=False)
    position: Mapped[int] = mapped_column(Integer, nullable=False)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), nullable=False)
    style: Mapped[str] = mapped_column(String(100), nullable=False)
    color: Mapped[str] = mapped_column(String(100), nullable=False)
    order_qty: Mapped[Decimal | None] = quantity()

    parts: Mapped[list[FlowPart]] = relationship(
        lazy="raise_on_sql", order_by="FlowPart.position", cascade="all, delete-orphan"
    )


class FlowPart(db.Model):
    """A part of the garment that fabric is cut for: shell, lining, pocket."""

    __tablename__ = "flow_parts"
    __table_args__ = (
        UniqueConstraint("id", "flow_info_id"),
        UniqueConstraint("flow_info_id", "part_name"),
    )

    id: Mapped[int] = identity()
    flow_info_id: Mapped[int] = mapped_column(ForeignKey("flow_infos.id", ondelete="CASCADE"), nullable=False)
    position: Mapped[int] = mapped_column(Integer, nullable=False)
    part_name: Mapped[str] = mapped_column(String(100), nullable=False)
