"""Table of public links to PDFs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel import clock


class EinvoiceLink(db.Model):
    """A link that opens the PDF of one e-invoice without a sign-in; only the hash of its token is stored."""

    __tablename__ = "e_invoice_links"
    __table_args__ = (Index("ix_e_invoice_links_einvoice_id_id", "einvoice_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    einvoice_id: Mapped[int] = mapped_column(ForeignKey("e_invoices.id", ondelete="CASCADE"), nullable=False)
    #: SHA-256 without a key of the hub: links work after its keys were changed, and after a restore.
    token_hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    #: Credential that created it.
    created_by: Mapped[str] = mapped_column(String(200), nullable=False)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)
    #: None: it does not expire.
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    #: Written at most once a minute.
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def is_valid(self) -> bool:
        """Whether it opens the PDF now."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > clock.now())
