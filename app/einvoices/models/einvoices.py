"""Tables of e-invoices: documents, their items and history."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.einvoices.models.columns import amount, moment, optional_moment, text_column
from app.einvoices.models.index_expressions import ENDED_AFTER_ANSWER, INCOMPLETE, SEARCHED, WORDS
from app.einvoices.models.legal_fields import VAT_CATEGORIES, LegalHeader, LegalItem, TaxRule
from app.einvoices.models.provider_accounts import ProviderAccount, waiting_reason
from app.einvoices.models.work import EinvoicePdf
from app.einvoices.status import REJECTED_LATER, OwnWord, Status, Type
from app.extensions import db
from app.kernel import clock
from app.kernel.database.check_constraints import one_of


def folded(value: str) -> str:
    """SQL of a text without letter case; the Turkish dotless and dotted i count as i."""
    return f"lower(translate({value}, 'ıİ', 'ii'))"


BUYER_TEXTS = ("name", "email", "phone", "tax_id", "tax_office", "address", "shipping_address")
BUYER = (*BUYER_TEXTS, "is_business")
_SEARCH_TEXT = " || ' ' || ".join(f"coalesce({column}, '')" for column in SEARCHED)
_IDENTIFIER_VALUES = ", ".join(f"nullif({folded(name)}, '')" for name in SEARCHED if name != "buyer_name")
#: Identifiers of an e-invoice, each as one lexeme, so that a search for a scanned or pasted identifier finds it.
IDENTIFIERS = f"array_to_tsvector(array_remove(ARRAY[{_IDENTIFIER_VALUES}], NULL))"


class Einvoice(LegalHeader, db.Model):
    """A document of a seller; returns and credit notes have positive amounts too, ``type`` gives the sign."""

    __tablename__ = "e_invoices"
    __table_args__ = (
        one_of("status", Status),
        one_of("type", Type),
        one_of("tax_rule", TaxRule),
        CheckConstraint(
            "(number IS NULL) = (invoice_no IS NULL) AND (number IS NULL) = (series_id IS NULL)", name="number"
        ),
        CheckConstraint("(number IS NULL) = (issued_at IS NULL)", name="issued_at"),
        CheckConstraint("number IS NOT NULL OR status IN ('draft', 'cancelled')", name="issued_has_number"),
        CheckConstraint("grand_total = subtotal + tax_total AND subtotal >= 0 AND tax_total >= 0", name="totals"),
        CheckConstraint("credited_total BETWEEN 0 AND grand_total", name="credited_total"),
        CheckConstraint("(type = 'sale') = (original_id IS NULL)", name="original"),
        CheckConstraint(
            "payable = grand_total - coalesce(withholding_total, 0) - coalesce(prepaid_amount, 0)"
            " + coalesce(rounding_amount, 0)",
            name="payable",
        ),
        UniqueConstraint("owner_id", "invoice_no"),
        UniqueConstraint("series_id", "number"),
        Index("ix_e_invoices_owner_id_id", "owner_id", "id"),
        Index("ix_e_invoices_owner_id_updated_at_id", "owner_id", "updated_at", "id"),
        Index("ix_e_invoices_owner_id_status_id", "owner_id", "status", "id"),
        Index("ix_e_invoices_owner_id_type_id", "owner_id", "type", "id"),
        Index("ix_e_invoices_owner_id_marketplace_id", "owner_id", "marketplace", "id"),
        Index("ix_e_invoices_status_id", "status", "id"),
        Index("ix_e_invoices_updated_at_id", "updated_at", "id"),
        Index("ix_e_invoices_rejected_later", "owner_id", "id", postgresql_where=text(REJECTED_LATER)),
        Index("ix_e_invoices_ended_after_answer", "owner_id", "id", postgresql_where=text(ENDED_AFTER_ANSWER)),
        Index("ix_e_invoices_words", text(WORDS), postgresql_using="gin"),
        Index("ix_e_invoices_incomplete", "owner_id", "id", postgresql_where=text(INCOMPLETE)),
        Index("ix_e_invoices_identifiers", text(IDENTIFIERS), postgresql_using="gin"),
        Index("ix_e_invoices_created_at", "created_at", postgresql_using="brin"),
        Index(
            "ix_e_invoices_sale_in_force",
            "owner_id",
            "sales_invoice_no",
            unique=True,
            postgresql_where=text(
                "sales_invoice_no IS NOT NULL AND status <> 'cancelled' AND corrected_by_id IS NULL AND NOT is_test"
            ),
        ),
        Index(
            "ix_e_invoices_sales_invoice_no", "sales_invoice_no", postgresql_where=text("sales_invoice_no IS NOT NULL")
        ),
        Index(
            "ix_e_invoices_order_folded",
            "owner_id",
            text(folded("marketplace_order_no")),
            text(folded("marketplace")),
            postgresql_where=text(
                "type = 'sale' AND marketplace_order_no IS NOT NULL AND status <> 'cancelled' "
                "AND corrected_by_id IS NULL"
            ),
        ),
        Index(
            "ix_e_invoices_provider_account_id",
            "provider_account_id",
            "provider_invoice_id",
            postgresql_where=text("provider_account_id IS NOT NULL"),
        ),
        Index(
            "ix_e_invoices_corrects_id_in_force",
            "corrects_id",
            unique=True,
            postgresql_where=text("status <> 'cancelled'"),
        ),
        Index(
            "ix_e_invoices_official_no",
            "owner_id",
            "official_no",
            unique=True,
            postgresql_where=text("official_no IS NOT NULL"),
        ),
        Index("ix_e_invoices_corrected_by_id", "corrected_by_id", unique=True),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), nullable=False)
    status: Mapped[str] = mapped_column(String(20), nullable=False)
    type: Mapped[str] = mapped_column(String(20), nullable=False)
    series_id: Mapped[int | None] = mapped_column(ForeignKey("e_invoice_series.id"))
    number: Mapped[int | None] = mapped_column(Integer)
    invoice_no: Mapped[str | None] = mapped_column(String(50))
    #: Whether it is no legal document: it was issued for a test account, with a number of a test series.
    is_test: Mapped[bool] = mapped_column(default=False, server_default=false(), nullable=False)
    issued_at: Mapped[datetime | None] = optional_moment()
    original_id: Mapped[int | None] = mapped_column(ForeignKey("e_invoices.id"), index=True)
    #: The rejected e-invoice that it corrects, and, of a rejected one, its correction.
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("e_invoices.id"))
    corrected_by_id: Mapped[int | None] = mapped_column(ForeignKey("e_invoices.id"))
    #: Number of the sales invoice that it was created from.
    sales_invoice_no: Mapped[str | None] = mapped_column(String(50))
    #: When its lines were read from the sales invoice, or given by a person; a later correction of that is not in them.
    #: Null in rows of an earlier release.
    sales_read_at: Mapped[datetime | None] = optional_moment()
    marketplace: Mapped[str | None] = mapped_column(String(100))
    marketplace_order_no: Mapped[str | None] = mapped_column(String(100))
    #: Whether it may have the same order as another e-invoice of its owner.
    allow_duplicate_order: Mapped[bool] = mapped_column(default=False, server_default=false(), nullable=False)
    buyer_name: Mapped[str] = mapped_column(String(300), nullable=False)
    buyer_email: Mapped[str] = text_column(254)
    buyer_phone: Mapped[str] = text_column(50)
    buyer_tax_id: Mapped[str] = text_column(50)
    buyer_tax_office: Mapped[str] = text_column(100)
    buyer_address: Mapped[str] = text_column(1000)
    buyer_shipping_address: Mapped[str] = text_column(1000)
    #: Whether the buyer is a company; None when nobody said so.
    buyer_is_business: Mapped[bool | None]
    currency: Mapped[str] = mapped_column(String(3), nullable=False)
    subtotal: Mapped[Decimal] = amount()
    discount_total: Mapped[Decimal] = amount()
    tax_total: Mapped[Decimal] = amount()
    grand_total: Mapped[Decimal] = amount()
    #: Total of its returns and credit notes that are not cancelled.
    credited_total: Mapped[Decimal] = mapped_column(Numeric(18, 3), nullable=False, default=0, server_default="0")
    #: Status before ``refunded``; it is restored when a credit note or return is cancelled.
    refunded_from: Mapped[str | None] = mapped_column(String(20))
    #: Snapshot of the printed seller fields, taken at issue.
    seller: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    provider: Mapped[str] = mapped_column(String(50), nullable=False)
    #: Account that it is sent through; without one it is sent as the settings of the installation say.
    provider_account_id: Mapped[int | None] = mapped_column(ForeignKey("provider_accounts.id"))
    provider_status: Mapped[str | None] = mapped_column(String(100))
    provider_invoice_id: Mapped[str | None] = mapped_column(String(255))
    #: Moment of ``provider_status`` as the provider reported it; an older report that arrives later is not applied.
    provider_status_at: Mapped[datetime | None] = optional_moment()
    notes: Mapped[str] = text_column(2000)
    #: Why it was cancelled, returned or credited.
    reason: Mapped[str] = text_column(1000)
    extra: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSON)
    created_at: Mapped[datetime] = moment(default=clock.now)
    #: Always set by ``change_clock.stamp()``, so that readers of changes miss none.
    updated_at: Mapped[datetime] = moment()
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            f"to_tsvector('simple', regexp_replace(translate({_SEARCH_TEXT}, 'ıİ', 'ii'), '[^[:alnum:]]+', ' ', 'g'))",
            persisted=True,
        ),
        deferred=True,
        deferred_raiseload=True,
    )

    items: Mapped[list[EinvoiceItem]] = relationship(
        lazy="raise_on_sql", order_by="EinvoiceItem.line_no", cascade="all, delete-orphan"
    )
    events: Mapped[list[EinvoiceEvent]] = relationship(lazy="raise_on_sql", order_by="EinvoiceEvent.id")
    original: Mapped[Einvoice | None] = relationship(
        lazy="raise_on_sql", remote_side="Einvoice.id", foreign_keys="Einvoice.original_id"
    )
    pdf: Mapped[EinvoicePdf | None] = relationship(lazy="raise_on_sql")
    provider_account: Mapped[ProviderAccount | None] = relationship(lazy="raise_on_sql")

    @property
    def buyer(self) -> dict[str, Any]:
        return {name: getattr(self, f"buyer_{name}") for name in BUYER} | (self.buyer_legal or {})

    @property
    def totals(self) -> dict[str, Any]:
        names = ("subtotal", "tax_total", "discount_total", "grand_total", "currency")
        return {name: getattr(self, name) for name in names}

    @property
    def issued_on(self) -> date | None:
        """The legal date: the day of the issue in the time zone that the seller had then."""
        if self.issued_at is None or self.seller is None:
            return None
        return self.issued_at.astimezone(ZoneInfo(self.seller["timezone"])).date()

    @property
    def waiting_because(self) -> str | None:
        """Why a queued sending waits: the state of its account, or of the settings, as text for people."""
        if self.provider_status != OwnWord.QUEUED:
            return None
        return waiting_reason(self.provider_account, self.provider)

    @property
    def pdf_url(self) -> str | None:
        """Path of the PDF; None until it exists."""
        return f"/api/v1/einvoices/{self.id}/pdf" if self.pdf and self.pdf.sha256 else None

    @property
    def pdf_state(self) -> str | None:
        return self.pdf.state if self.pdf else None

    @property
    def pdf_error(self) -> str | None:
        return self.pdf.error if self.pdf else None


class EinvoiceItem(LegalItem, db.Model):
    """A line; ``vat_amount`` is its share of the VAT of its rate, ``total`` is net plus VAT."""

    __tablename__ = "e_invoice_items"
    __table_args__ = (
        UniqueConstraint("einvoice_id", "line_no"),
        CheckConstraint(
            "quantity > 0 AND unit_price >= 0 AND discount_amount >= 0 AND unit_price = round(unit_price, 10)",
            name="amounts",
        ),
        CheckConstraint("vat_rate BETWEEN 0 AND 100", name="vat_rate"),
        one_of("vat_category", VAT_CATEGORIES),
        CheckConstraint("total = net + vat_amount AND net >= 0 AND vat_amount >= 0", name="total"),
        CheckConstraint("credited_quantity BETWEEN 0 AND quantity", name="credited_quantity"),
        CheckConstraint("credited_net BETWEEN 0 AND net", name="credited_net"),
        Index("ix_e_invoice_items_original_item_id", "original_item_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    einvoice_id: Mapped[int] = mapped_column(ForeignKey("e_invoices.id", ondelete="CASCADE"), nullable=False)
    line_no: Mapped[int] = mapped_column(Integer, nullable=False)
    sku: Mapped[str] = text_column(100)
    name: Mapped[str] = mapped_column(String(500), nullable=False)
    quantity: Mapped[Decimal] = mapped_column(Numeric(13, 4), nullable=False)
    #: With at most ten decimals: 100 with 20 % VAT is 83.3333333333 without. The type has no limit of its own, because
    #: PostgreSQL would write the whole table again.
    unit_price: Mapped[Decimal] = mapped_column(Numeric(), nullable=False)
    discount_amount: Mapped[Decimal] = amount()
    vat_rate: Mapped[Decimal] = mapped_column(Numeric(5, 2), nullable=False)
    net: Mapped[Decimal] = amount()
    vat_amount: Mapped[Decimal] = amount()
    total: Mapped[Decimal] = amount()
    #: Of a return or credit note: the line of the original that it credits.
    original_item_id: Mapped[int | None] = mapped_column(ForeignKey("e_invoice_items.id"))
    credited_quantity: Mapped[Decimal] = mapped_column(Numeric(13, 4), nullable=False, default=0, server_default="0")
    credited_net: Mapped[Decimal] = mapped_column(Numeric(18, 3), nullable=False, default=0, server_default="0")


class EinvoiceEvent(db.Model):
    """An entry in the history of an e-invoice; never changed."""

    __tablename__ = "e_invoice_events"
    __table_args__ = (Index("ix_e_invoice_events_einvoice_id_id", "einvoice_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    einvoice_id: Mapped[int] = mapped_column(ForeignKey("e_invoices.id", ondelete="CASCADE"), nullable=False)
    type: Mapped[str] = mapped_column(String(50), nullable=False)
    payload: Mapped[Any] = mapped_column(JSON, nullable=False)
    created_at: Mapped[datetime] = moment(default=clock.now)
