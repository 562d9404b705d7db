"""Models of the event log: events with immutable bodies, and the last position that the relay assigned."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel.database.month_partitions import by_month


class Event(db.Model):
    """An event. ``id`` is the order of the inserts, ``position`` the order in which all readers see the events."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_unplaced", "id", postgresql_where=text("position IS NULL")),
        by_month(uniques=[("position",)]),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    position: Mapped[int | None] = mapped_column(BigInteger)
    uuid: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    type: Mapped[str] = mapped_column(String(100), nullable=False)
    #: Id of the subject in the table of its package.
    subject_id: Mapped[int] = mapped_column(BigInteger, nullable=False)
    #: The user that the event belongs to; null if it belongs to the installation.
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    #: The JSON document that every receiver gets, byte for byte.
    body: Mapped[str] = mapped_column(Text, nullable=False)
    request_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)


class EventHead(db.Model):
    """One row with the last assigned position. Its lock lets only one relay work at a time.

    Events up to the position ``purged`` have been deleted.
    """

    __tablename__ = "event_head"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger, nullable=False)
    purged: Mapped[int] = mapped_column(BigInteger, nullable=False, server_default=text("0"), default=0)
