"""Rows of sales: invoices with their items, and returns to billing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.kernel.database.check_constraints import one_of
from app.sales.models.floor import Assignment
from app.sales.models.masters import Courier, Customer, Salesman, created, search_words, short_text
from app.sales.state_machine import BillingStatus, DeliveryType, Priority, Section, Status


@dataclass(frozen=True, slots=True)
class Hold:
    """The hold of an invoice."""

    reason: str
    held_by: str
    held_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of an invoice."""

    delivery_type: str
    courier: Courier | None
    tracking_no: str | None
    driver: str | None
    driver_id: int | None
    dispatched_at: datetime
    delivered_at: datetime | None
    proof_note: str


class SalesInvoice(db.Model):
    """An invoice of the ERP and its way through the warehouse; amounts are in the company's currency."""

    __tablename__ = "sales_invoices"
    __table_args__ = (
        one_of("status", Status),
        one_of("billing_status", BillingStatus),
        one_of("priority", Priority),
        one_of("delivery_type", DeliveryType),
        CheckConstraint("total_amount >= 0", name="total_amount"),
        CheckConstraint("label_count > 0", name="label_count"),
        CheckConstraint("(held_at IS NULL) = (hold_reason IS NULL)", name="hold_reason"),
        CheckConstraint("held_at IS NULL OR status NOT IN ('DELIVERED', 'REVIEW')", name="hold_status"),
        CheckConstraint("(status = 'DELIVERED') = (delivered_at IS NOT NULL)", name="delivered_at"),
        CheckConstraint("(delivery_type IS NULL) = (dispatched_at IS NULL)", name="dispatched_at"),
        CheckConstraint("status NOT IN ('DISPATCHED', 'DELIVERED') OR delivery_type IS NOT NULL", name="delivery"),
        CheckConstraint("status <> 'DISPATCHED' OR delivery_type = 'INTERNAL'", name="dispatched"),
        CheckConstraint(
            "delivery_type IS DISTINCT FROM 'COURIER' OR (courier_id IS NOT NULL AND tracking_no IS NOT NULL)",
            name="courier",
        ),
        CheckConstraint("delivery_type IS DISTINCT FROM 'INTERNAL' OR driver IS NOT NULL", name="driver"),
        Index("ix_sales_invoices_status_rank_id", "status", "priority_rank", "id"),
        Index("ix_sales_invoices_status_id", "status", "id"),
        Index("ix_sales_invoices_priority_id", "priority", "id"),
        Index("ix_sales_invoices_billing_status_id", "billing_status", "id"),
        Index("ix_sales_invoices_customer_id_id", "customer_id", "id"),
        Index("ix_sales_invoices_salesman_id_id", "salesman_id", "id"),
        *(
            Index(
                f"ix_sales_invoices_{column}_undelivered",
                column,
                postgresql_include=["total_amount"],
                postgresql_where=text("status <> 'DELIVERED'"),
            )
            for column in ("customer_id", "salesman_id")
        ),
        Index("ix_sales_invoices_invoice_date_id", "invoice_date", "id"),
        Index("ix_sales_invoices_series", "number_prefix", "number_value"),
        Index(
            "ix_sales_invoices_delivered_at_id",
            "delivered_at",
            "id",
            postgresql_where=text("delivered_at IS NOT NULL"),
        ),
        Index("ix_sales_invoices_held_at_id", "held_at", "id", postgresql_where=text("held_at IS NOT NULL")),
        Index("ix_sales_invoices_search", "search", postgresql_using="gin"),
        # Rows are inserted in the order of time, so a small BRIN index is enough.
        Index("ix_sales_invoices_created_at", "created_at", postgresql_using="brin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    invoice_no: Mapped[str] = mapped_column(String(50), nullable=False, unique=True)
    invoice_date: Mapped[date] = mapped_column(Date, nullable=False)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), nullable=False)
    salesman_id: Mapped[int | None] = mapped_column(ForeignKey("salesmen.id"))
    #: The author according to the payload; ``created_user_id`` is the signed-in user, if any.
    created_by: Mapped[str] = short_text(200)
    created_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    priority: Mapped[str] = mapped_column(String(10), nullable=False)
    status: Mapped[str] = mapped_column(String(20), nullable=False, server_default=text("'INVOICED'"))
    billing_status: Mapped[str] = mapped_column(String(20), nullable=False, server_default=text("'BILLED'"))
    temp_name: Mapped[str] = short_text(200)
    remarks: Mapped[str] = short_text(1000)
    total_amount: Mapped[Decimal] = mapped_column(Numeric(18, 2), nullable=False)
    #: The total that the client sent, if any.
    declared_total: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    extra: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSON)
    #: Boxes that were labelled at the end of packing.
    label_count: Mapped[int | None] = mapped_column(Integer)
    hold_reason: Mapped[str | None] = mapped_column(Text)
    held_by: Mapped[str | None] = mapped_column(String(200))
    held_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    delivery_type: Mapped[str | None] = mapped_column(String(10))
    courier_id: Mapped[int | None] = mapped_column(ForeignKey("couriers.id"))
    tracking_no: Mapped[str | None] = mapped_column(String(100))
    driver_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    driver: Mapped[str | None] = mapped_column(String(200))
    dispatched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    proof_note: Mapped[str] = mapped_column(Text, nullable=False, server_default="")
    created_at: Mapped[datetime] = created()
    updated_at: Mapped[datetime] = created()

    #: Generated columns for sorting and search.
    priority_rank: Mapped[int] = mapped_column(
        SmallInteger, Computed("CASE priority WHEN 'HIGH' THEN 0 WHEN 'MEDIUM' THEN 1 ELSE 2 END", persisted=True)
    )
    number_prefix: Mapped[str] = mapped_column(
        String(50), Computed("regexp_replace(invoice_no, '[0-9]{1,18}$', '')", persisted=True)
    )
    number_value: Mapped[int | None] = mapped_column(
        BigInteger, Computed("(\"substring\"((invoice_no)::text, '[0-9]{1,18}$'::text))::bigint", persisted=True)
    )
    search: Mapped[str] = search_words()

    customer: Mapped[Customer] = relationship(lazy="raise_on_sql")
    salesman: Mapped[Salesman | None] = relationship(lazy="raise_on_sql")
    courier: Mapped[Courier | None] = relationship(lazy="raise_on_sql")
    #: The open assignment; null when the invoice waits.
    handling: Mapped[Assignment | None] = relationship(
        lazy="raise_on_sql",
        primaryjoin="and_(SalesInvoice.id == foreign(Assignment.invoice_id), Assignment.ended_at.is_(None))",
        viewonly=True,
    )
    items: Mapped[list[SalesItem]] = relationship(
        lazy="raise_on_sql",
        order_by="SalesItem.line_no",
        cascade="all, delete-orphan",
        back_populates="invoice",
    )
    returns: Mapped[list[ReturnRecord]] = relationship(
        lazy="raise_on_sql", order_by="ReturnRecord.id", back_populates="invoice"
    )

    @property
    def salesman_name(self) -> str | None:
        """The name of the salesman; null when the ERP sent none."""
        return self.salesman.name if self.salesman else None

    @property
    def total_difference(self) -> Decimal | None:
        """The client's total minus the computed one; null when the client sent none."""
        return None if self.declared_total is None else self.declared_total - self.total_amount

    @property
    def hold(self) -> Hold | None:
        """The hold; null when there is none."""
        if self.held_at is None or self.hold_reason is None:
            return None
        return Hold(self.hold_reason, self.held_by or "", self.held_at)

    @property
    def delivery(self) -> Delivery | None:
        """The delivery; null before it starts."""
        if self.delivery_type is None or self.dispatched_at is None:
            return None
        return Delivery(
            self.delivery_type,
            self.courier,
            self.tracking_no,
            self.driver,
            self.driver_id,
            self.dispatched_at,
            self.delivered_at,
            self.proof_note,
        )

    @property
    def return_info(self) -> ReturnRecord | None:
        """The latest return to billing."""
        return self.returns[-1] if self.returns else None


class SalesItem(db.Model):
    """A line of an invoice; ``mrp`` is the unit price, ``line_total`` is rounded half up to the cent."""

    __tablename__ = "sales_items"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("mrp >= 0", name="mrp"),
        Index("ix_sales_items_invoice_id_line_no", "invoice_id", "line_no", unique=True),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("sales_invoices.id", ondelete="CASCADE"), nullable=False)
    line_no: Mapped[int] = mapped_column(Integer, nullable=False)
    name: Mapped[str] = mapped_column(String(300), nullable=False)
    item_code: Mapped[str] = mapped_column(String(100), nullable=False)
    barcode: Mapped[str] = short_text(100)
    quantity: Mapped[int] = mapped_column(Integer, nullable=False)
    mrp: Mapped[Decimal] = mapped_column(Numeric(14, 4), nullable=False)
    line_total: Mapped[Decimal] = mapped_column(Numeric(18, 2), nullable=False)
    company_name: Mapped[str] = short_text(200)
    packing: Mapped[str] = short_text(100)
    shelf_location: Mapped[str] = short_text(100)
    batch_no: Mapped[str] = short_text(100)
    expiry_date: Mapped[date | None] = mapped_column(Date)
    remarks: Mapped[str] = short_text(1000)

    invoice: Mapped[SalesInvoice] = relationship(lazy="raise_on_sql", back_populates="items")


class ReturnRecord(db.Model):
    """A return to billing: who, why, from which section, and the resolution."""

    __tablename__ = "sales_returns"
    __table_args__ = (
        one_of("section", Section),
        # At most one return is open: an invoice in REVIEW cannot be returned again.
        Index("ix_sales_returns_open", "invoice_id", unique=True, postgresql_where=text("resolved_at IS NULL")),
        Index("ix_sales_returns_invoice_id", "invoice_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("sales_invoices.id", ondelete="CASCADE"), nullable=False)
    reason: Mapped[str] = mapped_column(Text, nullable=False)
    section: Mapped[str] = mapped_column(String(20), nullable=False)
    returned_from_status: Mapped[str] = mapped_column(String(20), nullable=False)
    #: The name of the user at that time, and the user.
    returned_by: Mapped[str] = mapped_column(String(200), nullable=False)
    returned_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    returned_at: Mapped[datetime] = created()
    resolution_notes: Mapped[str] = mapped_column(Text, nullable=False, server_default="")
    resolved_by: Mapped[str | None] = mapped_column(String(200))
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    invoice: Mapped[SalesInvoice] = relationship(lazy="raise_on_sql", back_populates="returns")
