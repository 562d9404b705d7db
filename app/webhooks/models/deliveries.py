"""Tables of deliveries and their attempts."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from app.events.models import Event
from app.extensions import db
from app.kernel import clock
from app.kernel.database.month_partitions import by_month
from app.webhooks.models.columns import moment, optional_moment
from app.webhooks.models.endpoints import Endpoint

#: ``failed`` is final unless somebody sends the delivery again; ``cancelled``: the endpoint was deleted.
STATES = ("pending", "delivered", "failed", "cancelled")


class Delivery(db.Model):
    """One event for one endpoint; the request body is the body of the event, or its thin form."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
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
        by_month(uniques=[("endpoint_id", "position"), ("endpoint_id", "sequence")]),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id"), nullable=False)
    #: Position of the event in the log.
    position: Mapped[int] = mapped_column(BigInteger, nullable=False)
    #: Id of the event, sent as ``X-Webhook-Id``.
    event_id: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    event: Mapped[str] = mapped_column(String(100), nullable=False)
    subject_id: Mapped[int] = mapped_column(BigInteger, nullable=False)
    #: Sent instead of the body of the event when that is larger than the endpoint's limit; it never changes.
    thin_body: Mapped[str | None] = mapped_column(Text)
    #: The invoice or receipt number of the subject, when it has one.
    reference: Mapped[str | None] = mapped_column(String(100))
    #: Counts 1, 2, 3 … for each endpoint.
    sequence: Mapped[int] = mapped_column(BigInteger, nullable=False)
    state: Mapped[str] = mapped_column(String(20), nullable=False, default="pending", server_default="pending")
    #: All attempts that were started.
    attempts: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")
    #: Failed and lost attempts of the current round of retries; sending again starts a new round.
    step: Mapped[int] = mapped_column(SmallInteger, nullable=False, default=0, server_default="0")
    #: When the next attempt is due; for a claimed delivery, when the claim expires.
    due_at: Mapped[datetime] = moment()
    claim_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    #: Result of the last attempt.
    response_status: Mapped[int | None] = mapped_column(SmallInteger)
    error: Mapped[str | None] = mapped_column(String(500))
    #: When the event happened.
    created_at: Mapped[datetime] = moment()
    #: When the delivery became ``delivered``, ``failed`` or ``cancelled``.
    finished_at: Mapped[datetime | None] = optional_moment()

    endpoint: Mapped[Endpoint] = relationship(lazy="raise_on_sql")
    source: Mapped[Event] = relationship(
        primaryjoin=lambda: foreign(Delivery.position) == Event.position, viewonly=True, lazy="raise_on_sql"
    )
    attempt_log: Mapped[list[Attempt]] = relationship(
        primaryjoin=lambda: foreign(Attempt.delivery_id) == Delivery.id,
        viewonly=True,
        lazy="raise_on_sql",
        order_by="Attempt.number",
    )

    @property
    def request_body(self) -> str | None:
        """The exact body of the requests; None when the event has been deleted."""
        return self.thin_body or (self.source and self.source.body)

    @property
    def is_on_its_way(self) -> bool:
        """Whether a worker is sending it now."""
        return self.claim_id is not None and self.due_at > clock.now()

    @property
    def is_paused(self) -> bool:
        """Whether it waits until its endpoint is enabled."""
        return self.state == "pending" and self.endpoint.status == "disabled"

    @property
    def next_attempt_at(self) -> datetime | None:
        """When the next attempt is due; None when the delivery is finished, paused or being sent."""
        return None if self.state != "pending" or self.is_paused or self.is_on_its_way else self.due_at


class Attempt(db.Model):
    """One request as it was sent, and its response; it is removed together with its delivery."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (
        CheckConstraint("outcome IN ('delivered', 'failed', 'lost')", name="outcome"),
        by_month("delivery_id", leader="webhook_deliveries"),
    )

    #: Without a foreign key: it would be checked for each attempt of a month when the month is removed.
    delivery_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    outcome: Mapped[str] = mapped_column(String(20), nullable=False)
    started_at: Mapped[datetime] = moment()
    milliseconds: Mapped[int | None] = mapped_column(Integer)
    #: The IP address that the request was sent to.
    address: Mapped[str | None] = mapped_column(String(60))
    url: Mapped[str] = mapped_column(String(2000), nullable=False)
    request_headers: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False)
    response_status: Mapped[int | None] = mapped_column(SmallInteger)
    response_headers: Mapped[dict[str, str] | None] = mapped_column(JSON)
    #: The first 2 KiB of the response body.
    response_body: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(String(500))
