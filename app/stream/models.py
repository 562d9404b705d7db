"""Model of stream tickets, with which a browser opens a stream."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db


class StreamTicket(db.Model):
    """A single-use ticket: its SHA-256 hash and the principal that it authenticates."""

    __tablename__ = "stream_tickets"

    ticket_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    principal: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, index=True)
