"""Rows that invoices refer to: customers, salesmen and couriers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, DateTime, Identity, Index, String, func, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel import clock


def created() -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), nullable=False, default=clock.now, server_default=func.now())


def short_text(limit: int) -> Mapped[str]:
    return mapped_column(String(limit), nullable=False, default="", server_default="")


def search_words() -> Mapped[str]:
    # Used in conditions only: to load it would double the data of a page.
    return mapped_column(TSVECTOR, nullable=False, server_default="", deferred=True, deferred_raiseload=True)


class Customer(db.Model):
    """A customer (pharmacy), identified by the ERP's code."""

    __tablename__ = "customers"
    __table_args__ = (
        Index("ix_customers_name_id", "name", "id"),
        Index("ix_customers_search", "search", postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(String(50), nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(200), nullable=False)
    area: Mapped[str] = short_text(200)
    address1: Mapped[str] = short_text(300)
    address2: Mapped[str] = short_text(300)
    address3: Mapped[str] = short_text(300)
    pincode: Mapped[str] = short_text(20)
    phone1: Mapped[str] = short_text(50)
    phone2: Mapped[str] = short_text(50)
    email: Mapped[str] = short_text(254)
    #: For legal documents, as the rest down to ``endpoint_scheme``; the ERP's import does not change them.
    tax_id: Mapped[str] = short_text(50)
    tax_scheme: Mapped[str] = short_text(10)
    tax_office: Mapped[str] = short_text(100)
    district: Mapped[str] = short_text(100)
    city: Mapped[str] = short_text(100)
    region: Mapped[str] = short_text(100)
    country: Mapped[str] = short_text(2)
    endpoint: Mapped[str] = short_text(100)
    endpoint_scheme: Mapped[str] = short_text(10)
    search: Mapped[str] = search_words()
    created_at: Mapped[datetime] = created()
    updated_at: Mapped[datetime] = created()


class Salesman(db.Model):
    """A salesman, identified by name."""

    __tablename__ = "salesmen"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), nullable=False, unique=True)
    created_at: Mapped[datetime] = created()


class Courier(db.Model):
    """A courier, identified by a short code."""

    __tablename__ = "couriers"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(String(50), nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(200), nullable=False)
    #: The tracking page; ``{tracking_no}`` is replaced by the number of the parcel.
    tracking_url: Mapped[str] = short_text(500)
    phone: Mapped[str] = short_text(50)
    is_active: Mapped[bool] = mapped_column(Boolean, nullable=False, server_default=text("true"), default=True)
    created_at: Mapped[datetime] = created()
