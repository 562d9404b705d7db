"""Tables of background work: PDFs, previews, sendings to providers, scheduled callbacks, and tallies."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    String,
    Uuid,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.formats.legal_format import LegalFormat
from app.kernel import clock
from app.kernel.database.check_constraints import one_of
from app.kernel.worker.work_queue import LeasedWork, WorkState, work_indexes
from app.pdf.models import DocumentOnDemand, PrintedDocument, on_demand_constraints, print_constraints


def _moment(**kwargs: Any) -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), nullable=False, **kwargs)


#: Condition: a sending waits until its legal document is written.
UNWRITTEN = "state = 'pending' AND document_format IS NOT NULL AND document_id IS NULL"


class CheckState(StrEnum):
    """What became of the check of a person's decision about a sending in doubt."""

    #: The provider is asked for its word.
    OPEN = "open"
    #: The provider said the opposite.
    CONTRADICTED = "contradicted"
    #: The provider gave no clear answer in time.
    UNCONFIRMED = "unconfirmed"


class EinvoiceTally(db.Model):
    """Number of e-invoices by owner, status, type and marketplace, as amounts to sum up.

    Counting a million rows for the total of a page takes too long. A database trigger inserts a row for each change;
    the task ``einvoices.compact`` merges these rows.
    """

    __tablename__ = "e_invoice_tallies"
    __table_args__ = (Index("ix_e_invoice_tallies_owner_id", "owner_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigInteger, nullable=False)
    status: Mapped[str] = mapped_column(String(20), nullable=False)
    type: Mapped[str] = mapped_column(String(20), nullable=False)
    marketplace: Mapped[str | None] = mapped_column(String(100))
    amount: Mapped[int] = mapped_column(BigInteger, nullable=False)


class EinvoicePdf(PrintedDocument, db.Model):
    """The PDF of an e-invoice."""

    __tablename__ = "e_invoice_pdfs"
    __table_args__ = (
        *print_constraints("e_invoice_pdfs"),
        Index("ix_e_invoice_pdfs_turn", "owner_id", "due_at", postgresql_where=text("state = 'pending'")),
        Index(
            "ix_e_invoice_pdfs_short_turn",
            "owner_id",
            "due_at",
            postgresql_where=text("state = 'pending' AND is_short"),
        ),
    )

    einvoice_id: Mapped[int] = mapped_column(ForeignKey("e_invoices.id", ondelete="CASCADE"), primary_key=True)
    #: The owner of the e-invoice, so that users take turns; null in rows of an earlier release.
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    #: Whether the document has one part; null in rows of an earlier release.
    is_short: Mapped[bool | None] = mapped_column(Boolean)
    #: The day whose root the footer shows, the same at each rendering; null: it shows none.
    root_day: Mapped[date | None] = mapped_column(Date)


class EinvoicePreview(DocumentOnDemand, db.Model):
    """The preview of a draft. It is no document of the e-invoice: no link, event, chain or backup has it."""

    __tablename__ = "e_invoice_previews"
    __table_args__ = on_demand_constraints("e_invoice_previews")

    einvoice_id: Mapped[int] = mapped_column(ForeignKey("e_invoices.id", ondelete="CASCADE"), primary_key=True)


class EinvoiceSending(LeasedWork, db.Model):
    """One sending of an e-invoice to its provider."""

    __tablename__ = "e_invoice_sendings"
    __table_args__ = (
        one_of("state", WorkState),
        *work_indexes("e_invoice_sendings"),
        Index("ix_e_invoice_sendings_open", "einvoice_id", unique=True, postgresql_where=text("state = 'pending'")),
        Index("ix_e_invoice_sendings_einvoice_id_id", "einvoice_id", "id"),
        Index("ix_e_invoice_sendings_failed", "due_at", postgresql_where=text("state = 'failed'")),
        Index("ix_e_invoice_sendings_lane_id", "lane_id", "due_at", postgresql_where=text("state <> 'done'")),
        Index("ix_e_invoice_sendings_key", "key"),
        one_of("check_state", CheckState),
        one_of("document_format", LegalFormat),
        Index("ix_e_invoice_sendings_document_id", "document_id", postgresql_where=text("document_id IS NOT NULL")),
        Index("ix_e_invoice_sendings_unwritten", "due_at", postgresql_where=text(UNWRITTEN)),
        Index("ix_e_invoice_sendings_checked", "lane_id", "due_at", postgresql_where=text("check_state IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    einvoice_id: Mapped[int] = mapped_column(ForeignKey("e_invoices.id", ondelete="CASCADE"), nullable=False)
    provider: Mapped[str] = mapped_column(String(50), nullable=False)
    #: Id of the provider account, or 0: it is sent as the settings of the installation say.
    lane_id: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0, server_default="0")
    #: Idempotency key: the same at every attempt, so that the provider recognises a repeat.
    key: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    #: Whether the provider may have the e-invoice although no response came. It is set before each attempt, so that a
    #: killed worker leaves it set. Of a failed sending, ``due_at`` is the time of the next look-up.
    in_doubt: Mapped[bool] = mapped_column(default=False, server_default=false(), nullable=False)
    #: Whether the provider said that it has the number under another key: then "not found" settles no doubt.
    number_taken: Mapped[bool] = mapped_column(default=False, server_default=false(), nullable=False)
    #: Set after a person decided about it, until the provider has confirmed that: ``decisions/decision_checks.py``.
    #: While it is set, ``finished_at`` is the time of the decision, and ``due_at`` that of the next look-up.
    check_state: Mapped[str | None] = mapped_column(String(20))
    #: Legal format that the account wanted when it was queued, and the document of it, which every attempt carries. A
    #: worker writes the document first: ``provider_accounts/sent_documents.py``.
    document_format: Mapped[str | None] = mapped_column(String(20))
    document_id: Mapped[int | None] = mapped_column(ForeignKey("e_invoice_documents.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = _moment(default=clock.now)


class EinvoiceCallback(db.Model):
    """A callback that the simulator will send, and when."""

    __tablename__ = "e_invoice_callbacks"
    __table_args__ = (Index("ix_e_invoice_callbacks_due_at", "due_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    einvoice_id: Mapped[int] = mapped_column(ForeignKey("e_invoices.id", ondelete="CASCADE"), nullable=False)
    due_at: Mapped[datetime] = _moment()
    occurred_at: Mapped[datetime] = _moment()
    said: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
