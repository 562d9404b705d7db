"""Model of the PDFs of a goods receipt: the note and the roll labels."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Integer, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.grn.models.columns import identity
from app.kernel import clock
from app.kernel.database.check_constraints import one_of
from app.kernel.worker.work_queue import WorkState
from app.pdf.labels.sheets import LabelPaper
from app.pdf.models import PrintedDocument, print_constraints


class Paper(StrEnum):
    NOTE = "note"
    LABELS = "labels"


class ReceiptPdf(PrintedDocument, db.Model):
    """The note or the labels of a goods receipt: state of the print job, path and hash of the file."""

    __tablename__ = "goods_receipt_pdfs"
    __table_args__ = (one_of("kind", Paper), *print_constraints("goods_receipt_pdfs"))

    receipt_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("goods_receipts.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)

    @property
    def url(self) -> str | None:
        """API path of the PDF, or None if there is no up-to-date one."""
        return f"/api/invoices/{self.receipt_id}/{self.kind}.pdf" if self.current_sha256 else None

    @property
    def current_sha256(self) -> str | None:
        """SHA-256 of the PDF, or None if there is no up-to-date one."""
        return self.sha256 if self.state == WorkState.DONE else None


class LabelPrint(PrintedDocument, db.Model):
    """Labels of chosen rolls, printed once: the rolls, the paper, and the first place on a sheet that is used."""

    __tablename__ = "label_prints"
    __table_args__ = (
        one_of("paper", LabelPaper),
        CheckConstraint("start >= 1", name="start"),
        Index("ix_label_prints_receipt_id", "receipt_id"),
        Index("ix_label_prints_created_at", "created_at"),
        *print_constraints("label_prints"),
    )

    id: Mapped[int] = identity()
    receipt_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("goods_receipts.id", ondelete="CASCADE"), nullable=False
    )
    roll_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), nullable=False)
    paper: Mapped[str] = mapped_column(String(10), nullable=False)
    start: Mapped[int] = mapped_column(Integer, nullable=False)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, default=clock.now)
