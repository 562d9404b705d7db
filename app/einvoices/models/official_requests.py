"""Table of documents that somebody sent to be checked by the official rules; rows are gone after minutes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Identity, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.einvoices.models.columns import moment
from app.extensions import db
from app.kernel import clock
from app.kernel.database.check_constraints import one_of
from app.kernel.worker.work_queue import LeasedWork, WorkState, work_indexes


class OfficialRequest(LeasedWork, db.Model):
    """A document of a caller, and what the official rules say about it."""

    __tablename__ = "e_invoice_official_requests"
    __table_args__ = (
        one_of("state", WorkState),
        UniqueConstraint("user_id", "sha256", "rules_sha256"),
        *work_indexes("e_invoice_official_requests"),
        Index("ix_e_invoice_official_requests_requested_at", "requested_at"),
        Index("ix_e_invoice_official_requests_waiting", "user_id", postgresql_where=text("state = 'pending'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    #: Who sent it; 0 is the command line.
    user_id: Mapped[int] = mapped_column(BigInteger, nullable=False)
    #: Of the document itself, without the PDF around it.
    sha256: Mapped[str] = mapped_column(String(64), nullable=False)
    #: Hash of all sets of the format at the time of the request: by other sets it is checked anew.
    rules_sha256: Mapped[str] = mapped_column(String(64), nullable=False)
    #: The document; null as soon as it was checked.
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    #: Null until it was checked, and where no set is for the document.
    is_valid: Mapped[bool | None] = mapped_column()
    #: Rule sets with version and hash, findings, and when it was checked.
    opinion: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    requested_at: Mapped[datetime] = moment(default=clock.now)
