"""Tables of sellers: profiles and logos."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.einvoices.models.legal_fields import LegalSeller, TaxRule
from app.extensions import db
from app.formats.tax_numbers import TaxScheme
from app.kernel.database.check_constraints import one_of
from app.languages import LANGUAGES

#: A tax number without spaces and signs, as each issue looks for it.
COMPARED_TAX_ID = "upper(regexp_replace(tax_id, '[^[:alnum:]]', '', 'g'))"


def _text(limit: int) -> Mapped[str]:
    return mapped_column(String(limit), nullable=False, default="", server_default="")


class SellerProfile(LegalSeller, db.Model):
    """The seller details that an owner's e-invoices print, and the defaults of new drafts."""

    __tablename__ = "seller_profiles"
    __table_args__ = (
        CheckConstraint(f"language IN {tuple(LANGUAGES)}", name="language"),
        CheckConstraint("prefix ~ '^[A-Z0-9]{1,10}$'", name="prefix"),
        one_of("tax_rule", TaxRule),
        one_of("tax_scheme", TaxScheme),
        CheckConstraint("default_vat_rate BETWEEN 0 AND 100", name="default_vat_rate"),
        Index("ix_seller_profiles_tax_id", text(COMPARED_TAX_ID)),
    )

    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(300), nullable=False)
    tax_id: Mapped[str] = _text(50)
    tax_office: Mapped[str] = _text(100)
    address: Mapped[str] = _text(1000)
    email: Mapped[str] = _text(254)
    phone: Mapped[str] = _text(50)
    website: Mapped[str] = _text(200)
    bank: Mapped[str] = _text(300)
    footer: Mapped[str] = _text(1000)
    language: Mapped[str] = mapped_column(String(2), nullable=False)
    currency: Mapped[str] = mapped_column(String(3), nullable=False)
    #: ISO 3166-1, two letters; None when nobody has said it.
    country: Mapped[str | None] = mapped_column(String(2))
    timezone: Mapped[str] = mapped_column(String(50), nullable=False)
    prefix: Mapped[str] = mapped_column(String(10), nullable=False)
    default_vat_rate: Mapped[Decimal] = mapped_column(Numeric(5, 2), nullable=False)
    #: Whether the prices of sales invoices include the VAT.
    prices_include_vat: Mapped[bool] = mapped_column(default=False, server_default=false(), nullable=False)
    provider: Mapped[str] = mapped_column(String(50), nullable=False)
    logo_sha256: Mapped[str | None] = mapped_column(ForeignKey("seller_logos.sha256"))


class SellerLogo(db.Model):
    """A logo, identified by the hash of its content: an issued e-invoice keeps the logo of its snapshot."""

    __tablename__ = "seller_logos"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(50), nullable=False)
    content: Mapped[bytes] = mapped_column(LargeBinary, nullable=False)
