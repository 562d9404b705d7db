"""Rows of sales: customers, salesmen, invoices with their items, and returns to billing."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.kernel import clock
from app.sales.workflow import BillingStatus, Priority, Section, Status


def _one_of(column: str, words: type[Any]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _created() -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), nullable=False, default=clock.now, server_default=func.now())


def _text(limit: int) -> Mapped[str]:
    return mapped_column(String(limit), nullable=False, default="", server_default="")


class Customer(db.Model):
    """A pharmacy that is sold to, told by the ERP's code."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(String(50), nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(200), nullable=False)
    area: Mapped[str] = _text(200)
    address1: Mapped[str] = _text(300)
    address2: Mapped[str] = _text(300)
    address3: Mapped[str] = _text(300)
    pincode: Mapped[str] = _text(20)
    phone1: Mapped[str] = _text(50)
    phone2: Mapped[str] = _text(50)
    email: Mapped[str] = _text(254)
    created_at: Mapped[datetime] = _created()
    updated_at: Mapped[datetime] = _created()


class Salesman(db.Model):
    """Who sold it, told by name."""

    __tablename__ = "salesmen"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), nullable=False, unique=True)
    created_at: Mapped[datetime] = _created()


class SalesInvoice(db.Model):
    """A bill of the ERP on its way through the warehouse; amounts in the company's currency."""

    __tablename__ = "sales_invoices"
    __table_args__ = (
        _one_of("status", Status),
        _one_of("billing_status", BillingStatus),
        _one_of("priority", Priority),
        CheckConstraint("total_amount >= 0", name="total_amount"),
        Index("ix_sales_invoices_status_id", "status", "id"),
        Index("ix_sales_invoices_billing_status_id", "billing_status", "id"),
        Index("ix_sales_invoices_customer_id_id", "customer_id", "id"),
        Index("ix_sales_invoices_invoice_date_id", "invoice_date", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    invoice_no: Mapped[str] = mapped_column(String(50), nullable=False, unique=True)
    invoice_date: Mapped[date] = mapped_column(Date, nullable=False)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), nullable=False)
    salesman_id: Mapped[int | None] = mapped_column(ForeignKey("salesmen.id"), index=True)
    #: What the payload says, for reference; ``created_user_id`` is who was signed in, if anybody.
    created_by: Mapped[str] = _text(200)
    created_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    priority: Mapped[str] = mapped_column(String(10), nullable=False)
    status: Mapped[str] = mapped_column(String(20), nullable=False, server_default=text("'INVOICED'"))
    billing_status: Mapped[str] = mapped_column(String(20), nullable=False, server_default=text("'BILLED'"))
    temp_name: Mapped[str] = _text(200)
    remarks: Mapped[str] = _text(1000)
    total_amount: Mapped[Decimal] = mapped_column(Numeric(18, 2), nullable=False)
    #: The client's own total, if it sent one.
    declared_total: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    extra: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSON)
    created_at: Mapped[datetime] = _created()
    updated_at: Mapped[datetime] = _created()

    customer: Mapped[Customer] = relationship(lazy="raise_on_sql")
    salesman: Mapped[Salesman | None] = relationship(lazy="raise_on_sql")
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
    def total_difference(self) -> Decimal | None:
        """The client's total less ours; null when it sent none."""
        return None if self.declared_total is None else self.declared_total - self.total_amount

    @property
    def return_info(self) -> ReturnRecord | None:
        """The latest return to billing."""
        return self.returns[-1] if self.returns else None


class SalesItem(db.Model):
    """A line of an invoice; ``mrp`` is the price of one, ``line_total`` is rounded half up to the cent."""

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
    barcode: Mapped[str] = _text(100)
    quantity: Mapped[int] = mapped_column(Integer, nullable=False)
    mrp: Mapped[Decimal] = mapped_column(Numeric(14, 4), nullable=False)
    line_total: Mapped[Decimal] = mapped_column(Numeric(18, 2), nullable=False)
    company_name: Mapped[str] = _text(200)
    packing: Mapped[str] = _text(100)
    shelf_location: Mapped[str] = _text(100)
    batch_no: Mapped[str] = _text(100)
    expiry_date: Mapped[date | None] = mapped_column(Date)
    remarks: Mapped[str] = _text(1000)

    invoice: Mapped[SalesInvoice] = relationship(lazy="raise_on_sql", back_populates="items")


class ReturnRecord(db.Model):
    """A return to billing: who sent it back, why and from which section, and how it was resolved."""

    __tablename__ = "sales_returns"
    __table_args__ = (
        _one_of("section", Section),
        # At most one return is open: an invoice in REVIEW cannot be returned again.
        Index("ix_sales_returns_open", "invoice_id", unique=True, postgresql_where=text("resolved_at IS NULL")),
        Index("ix_sales_returns_invoice_id", "invoice_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("sales_invoices.id", ondelete="CASCADE"), nullable=False)
    reason: Mapped[str] = mapped_column(Text, nullable=False)
    section: Mapped[str] = mapped_column(String(20), nullable=False)
    returned_from_status: Mapped[str] = mapped_column(String(20), nullable=False)
    #: The name that was shown at the time, and the user behind it.
    returned_by: Mapped[str] = mapped_column(String(200), nullable=False)
    returned_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    returned_at: Mapped[datetime] = _created()
    resolution_notes: Mapped[str] = mapped_column(Text, nullable=False, server_default="")
    resolved_by: Mapped[str | None] = mapped_column(String(200))
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    invoice: Mapped[SalesInvoice] = relationship(lazy="raise_on_sql", back_populates="returns")
