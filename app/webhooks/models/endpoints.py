"""Tables of endpoints: settings and state, sending lanes, failure counts per minute, receiver checks."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel import clock
from app.webhooks.models.columns import moment, optional_moment

#: ``probing`` lets one delivery at a time through until the first has arrived.
STATUSES = ("enabled", "disabled", "probing")


class Endpoint(db.Model):
    """Where a user wants to be told of which events; one that is deleted stays for its deliveries' sake."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        CheckConstraint("status IN ('enabled', 'disabled', 'probing')", name="status"),
        CheckConstraint("concurrency BETWEEN 1 AND 50", name="concurrency"),
        CheckConstraint("rate_per_minute BETWEEN 1 AND 60000", name="rate_per_minute"),
        Index("ix_webhook_endpoints_owner_id", "owner_id"),
        Index("ix_webhook_endpoints_probe_at", "probe_at", postgresql_where=text("probe_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), nullable=False)
    url: Mapped[str] = mapped_column(String(2000), nullable=False)
    description: Mapped[str] = mapped_column(String(500), nullable=False, default="", server_default="")
    events: Mapped[list[str]] = mapped_column(ARRAY(String(100)), nullable=False)
    #: Sealed (``kernel/secret_box.py``), as are the headers: they often hold passwords.
    secret: Mapped[bytes] = mapped_column(LargeBinary, nullable=False)
    previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_secret_until: Mapped[datetime | None] = optional_moment()
    headers: Mapped[bytes | None] = mapped_column(LargeBinary)
    header_names: Mapped[list[str]] = mapped_column(ARRAY(String(100)), nullable=False, server_default="{}")
    #: Requests at the same time, and in a minute (null is as many as come).
    concurrency: Mapped[int] = mapped_column(SmallInteger, nullable=False, default=10, server_default="10")
    rate_per_minute: Mapped[int | None] = mapped_column(Integer)
    #: ``[{"cidr", "port"}]``: what an admin has allowed beside public addresses.
    allowances: Mapped[list[dict[str, Any]]] = mapped_column(JSON, nullable=False, default=list)
    extra: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSON)
    status: Mapped[str] = mapped_column(String(20), nullable=False, default="enabled", server_default="enabled")
    #: Why it is disabled, for people.
    reason: Mapped[str | None] = mapped_column(String(500))
    #: When the hub tries by itself whether the receiver is back; null for what a person has to enable.
    probe_at: Mapped[datetime | None] = optional_moment()
    last_sequence: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0, server_default="0")
    created_at: Mapped[datetime] = moment(default=clock.now)
    updated_at: Mapped[datetime] = moment(default=clock.now)
    deleted_at: Mapped[datetime | None] = optional_moment()


class Lane(db.Model):
    """How an endpoint's traffic stands; whoever takes deliveries for it holds this row meanwhile."""

    __tablename__ = "webhook_lanes"

    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), primary_key=True)
    #: When it last got its turn: the one that waited longest is next.
    served_at: Mapped[datetime] = moment(default=clock.now)
    #: The moment until which its rate is used up.
    booked_until: Mapped[datetime] = moment(default=clock.now)
    #: It keeps requests hanging: one at a time, and never in the way of others.
    is_slow: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False, server_default=text("false"))


class AttemptCount(db.Model):
    """Attempts of an endpoint in one minute: what switching it off by itself is decided by."""

    __tablename__ = "webhook_tallies"

    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), primary_key=True)
    minute: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    made: Mapped[int] = mapped_column(Integer, nullable=False)
    failed: Mapped[int] = mapped_column(Integer, nullable=False)


class ReceiverCheck(db.Model):
    """One check of a receiver: asked for, then graded."""

    __tablename__ = "webhook_checks"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'done', 'failed')", name="state"),
        Index("ix_webhook_checks_pending", "endpoint_id", unique=True, postgresql_where=text("state = 'pending'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(
        ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False, index=True
    )
    state: Mapped[str] = mapped_column(String(20), nullable=False, default="pending")
    grade: Mapped[str | None] = mapped_column(String(1))
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    claim_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = moment(default=clock.now)
    #: When it is to be run, or while one runs it, until when.
    due_at: Mapped[datetime] = moment(default=clock.now)
    finished_at: Mapped[datetime | None] = optional_moment()
