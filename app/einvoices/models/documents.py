"""Tables of legal documents: the canonical form of each issued e-invoice, and the documents written from it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.einvoices.models.columns import moment
from app.einvoices.models.legal_fields import TaxRule
from app.extensions import db
from app.kernel import clock
from app.kernel.database.check_constraints import one_of
from app.kernel.worker.work_queue import LeasedWork, WorkState, work_indexes


class Origin(StrEnum):
    """Who made a document: the hub, or the authority or provider that returned it."""

    HUB = "hub"
    RETURNED = "returned"


class EinvoiceCanonicalForm(db.Model):
    """The canonical form of an e-invoice; never changed."""

    __tablename__ = "e_invoice_canonical_forms"
    __table_args__ = (one_of("tax_rule", TaxRule),)

    einvoice_id: Mapped[int] = mapped_column(ForeignKey("e_invoices.id", ondelete="CASCADE"), primary_key=True)
    #: Version of the form.
    version: Mapped[int] = mapped_column(Integer, nullable=False)
    #: JSON of RFC 8785, byte for byte.
    body: Mapped[str] = mapped_column(Text, nullable=False)
    sha256: Mapped[str] = mapped_column(String(64), nullable=False)
    tax_rule: Mapped[str] = mapped_column(String(20), nullable=False)
    #: It was made after the issue, because an earlier release issued the e-invoice.
    is_late: Mapped[bool] = mapped_column(nullable=False, default=False, server_default=false())
    created_at: Mapped[datetime] = moment(default=clock.now)


class EinvoiceDocument(db.Model):
    """A document of an e-invoice in a legal format; a new version is a new row, and no row is ever changed."""

    __tablename__ = "e_invoice_documents"
    __table_args__ = (
        one_of("origin", Origin),
        CheckConstraint("version >= 1", name="version"),
        UniqueConstraint("einvoice_id", "format", "version"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    einvoice_id: Mapped[int] = mapped_column(ForeignKey("e_invoices.id", ondelete="CASCADE"), nullable=False)
    #: ``ubl``, ``cii``, ``factur-x``, ``ubl-tr``, ``inv-01``.
    format: Mapped[str] = mapped_column(String(20), nullable=False)
    version: Mapped[int] = mapped_column(Integer, nullable=False)
    origin: Mapped[str] = mapped_column(String(10), nullable=False)
    media_type: Mapped[str] = mapped_column(String(100), nullable=False)
    #: In the store.
    path: Mapped[str] = mapped_column(String(200), nullable=False)
    sha256: Mapped[str] = mapped_column(String(64), nullable=False)
    size: Mapped[int] = mapped_column(BigInteger, nullable=False)
    #: Hash of the canonical form that it was written from; null if it was returned.
    canonical_sha256: Mapped[str | None] = mapped_column(String(64))
    #: What rules and sums said when it was written: rule sets with their versions, and findings.
    verdict: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: What the authority returned besides the document, as its number and its QR code.
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = moment(default=clock.now)
    official_check: Mapped[EinvoiceOfficialCheck | None] = relationship(lazy="raise_on_sql", viewonly=True)


class EinvoiceOfficialCheck(LeasedWork, db.Model):
    """The check of a document by the official rules: work of one worker, and its result."""

    __tablename__ = "e_invoice_official_checks"
    __table_args__ = (
        one_of("state", WorkState),
        *work_indexes("e_invoice_official_checks"),
        Index("ix_e_invoice_official_checks_faulty", "document_id", postgresql_where=text("NOT is_valid")),
        Index("ix_e_invoice_official_checks_failed", "document_id", postgresql_where=text("state = 'failed'")),
    )

    document_id: Mapped[int] = mapped_column(
        ForeignKey("e_invoice_documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    #: Hash of all sets of the format when it was checked; with other sets it is checked again.
    rules_sha256: Mapped[str | None] = mapped_column(String(64))
    #: Null until it was checked, and where no set is for the document.
    is_valid: Mapped[bool | None] = mapped_column()
    #: Rule sets with version and hash, findings, and when it was checked.
    opinion: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: The opinion of the sets before these, without its findings.
    previous: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
