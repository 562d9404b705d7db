"""Rows of the stream: tickets by which a browser opens one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db


class StreamTicket(db.Model):
    """A single-use ticket; only its SHA-256 is kept, with the caller it stands for."""

    __tablename__ = "stream_tickets"

    ticket_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    principal: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, index=True)
