"""Rows of webhooks: endpoints, what is delivered to them, each attempt, and how each of them fares."""

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
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from app.events.models import Event
from app.extensions import db
from app.kernel import clock

#: ``probing`` lets one delivery at a time through until the first has arrived.
STATUSES = ("enabled", "disabled", "probing")
#: ``failed`` is final until somebody sends it again; ``cancelled`` went with its endpoint.
STATES = ("pending", "delivered", "failed", "cancelled")


def _moment(**kwargs: Any) -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), nullable=False, **kwargs)


def _perhaps() -> Mapped[datetime | None]:
    return mapped_column(DateTime(timezone=True))


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
    previous_secret_until: Mapped[datetime | None] = _perhaps()
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
    probe_at: Mapped[datetime | None] = _perhaps()
    last_sequence: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0, server_default="0")
    created_at: Mapped[datetime] = _moment(default=clock.now)
    updated_at: Mapped[datetime] = _moment(default=clock.now)
    deleted_at: Mapped[datetime | None] = _perhaps()


class Lane(db.Model):
    """How an endpoint's traffic stands; whoever takes deliveries for it holds this row meanwhile."""

    __tablename__ = "webhook_lanes"

    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), primary_key=True)
    #: When it last got its turn: the one that waited longest is next.
    served_at: Mapped[datetime] = _moment(default=clock.now)
    #: The moment until which its rate is used up.
    booked_until: Mapped[datetime] = _moment(default=clock.now)
    #: It keeps requests hanging: one at a time, and never in the way of others.
    is_slow: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False, server_default=text("false"))


class Delivery(db.Model):
    """One event for one endpoint; the bytes to send are the event's body."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "position"),
        UniqueConstraint("endpoint_id", "sequence"),
        CheckConstraint("state IN ('pending', 'delivered', 'failed', 'cancelled')", name="state"),
        CheckConstraint("(state = 'pending') = (finished_at IS NULL)", name="finished"),
        CheckConstraint("claim_id IS NULL OR state = 'pending'", name="claimed"),
        Index(
            "ix_webhook_deliveries_first",
            "endpoint_id",
            "due_at",
            "id",
            postgresql_where=text("state = 'pending' AND attempts = 0"),
        ),
        Index(
            "ix_webhook_deliveries_retry",
            "endpoint_id",
            "due_at",
            "id",
            postgresql_where=text("state = 'pending' AND attempts > 0"),
        ),
        Index("ix_webhook_deliveries_claimed", "endpoint_id", postgresql_where=text("claim_id IS NOT NULL")),
        Index(
            "ix_webhook_deliveries_open",
            "endpoint_id",
            "sequence",
            postgresql_where=text("state IN ('pending', 'failed')"),
        ),
        Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
        Index("ix_webhook_deliveries_subject_id", "subject_id", "event"),
        Index("ix_webhook_deliveries_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
        Index("ix_webhook_deliveries_event_id", "event_id"),
        Index("ix_webhook_deliveries_created_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id"), nullable=False)
    #: The event's place in the log, its id (``X-Webhook-Id``), name and subject.
    position: Mapped[int] = mapped_column(BigInteger, nullable=False)
    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    event: Mapped[str] = mapped_column(String(100), nullable=False)
    subject_id: Mapped[int] = mapped_column(BigInteger, nullable=False)
    #: The number that people know the subject by, when it has one.
    reference: Mapped[str | None] = mapped_column(String(100))
    #: 1, 2, 3 … for each endpoint.
    sequence: Mapped[int] = mapped_column(BigInteger, nullable=False)
    state: Mapped[str] = mapped_column(String(20), nullable=False, default="pending", server_default="pending")
    #: All that were begun, and how far the present round of retries has come.
    attempts: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")
    step: Mapped[int] = mapped_column(SmallInteger, nullable=False, default=0, server_default="0")
    #: When it is to be sent, or while it is claimed, until when.
    due_at: Mapped[datetime] = _moment()
    claim_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    #: Of the last attempt.
    response_status: Mapped[int | None] = mapped_column(SmallInteger)
    error: Mapped[str | None] = mapped_column(String(500))
    #: When the event happened; when it was settled.
    created_at: Mapped[datetime] = _moment()
    finished_at: Mapped[datetime | None] = _perhaps()

    endpoint: Mapped[Endpoint] = relationship(lazy="raise_on_sql")
    source: Mapped[Event] = relationship(
        primaryjoin=lambda: foreign(Delivery.position) == Event.position, viewonly=True, lazy="raise_on_sql"
    )
    tries: Mapped[list[Attempt]] = relationship(lazy="raise_on_sql", order_by="Attempt.number")

    @property
    def is_on_its_way(self) -> bool:
        """Whether somebody sends it at this moment."""
        return self.claim_id is not None and self.due_at > clock.now()

    @property
    def is_paused(self) -> bool:
        """Whether it waits for its endpoint to be switched on."""
        return self.state == "pending" and self.endpoint.status == "disabled"

    @property
    def next_attempt_at(self) -> datetime | None:
        """When it is tried next; null when it is settled, paused or on its way."""
        return None if self.state != "pending" or self.is_paused or self.is_on_its_way else self.due_at


class Attempt(db.Model):
    """One request, as it went out, and what came back of it."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (CheckConstraint("outcome IN ('delivered', 'failed', 'lost')", name="outcome"),)

    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    outcome: Mapped[str] = mapped_column(String(20), nullable=False)
    started_at: Mapped[datetime] = _moment()
    milliseconds: Mapped[int | None] = mapped_column(Integer)
    #: The address that the name led to, and where the request went.
    address: Mapped[str | None] = mapped_column(String(60))
    url: Mapped[str] = mapped_column(String(2000), nullable=False)
    request_headers: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False)
    response_status: Mapped[int | None] = mapped_column(SmallInteger)
    response_headers: Mapped[dict[str, str] | None] = mapped_column(JSON)
    #: The first 2 KiB.
    response_body: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(String(500))


class Tally(db.Model):
    """Attempts of an endpoint in one minute: what switching it off by itself is decided by."""

    __tablename__ = "webhook_tallies"

    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), primary_key=True)
    minute: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    made: Mapped[int] = mapped_column(Integer, nullable=False)
    failed: Mapped[int] = mapped_column(Integer, nullable=False)


class Check(db.Model):
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
    created_at: Mapped[datetime] = _moment(default=clock.now)
    #: When it is to be run, or while one runs it, until when.
    due_at: Mapped[datetime] = _moment(default=clock.now)
    finished_at: Mapped[datetime | None] = _perhaps()
