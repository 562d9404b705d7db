"""Tables of endpoints, their lanes, their attempt counts per minute, and receiver checks."""

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
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.accounts.models.tokens import AccessToken
from app.config import KIB, MIB
from app.extensions import db
from app.kernel import clock
from app.kernel.messages import N_
from app.webhooks.models.columns import moment, optional_moment

#: A ``probing`` endpoint gets one delivery at a time until one has arrived.
STATUSES = ("enabled", "disabled", "probing")
TOKEN_ENDED = N_("The token that made it has expired or was revoked. Deliveries wait until somebody enables it again.")
#: Limits of ``max_body_bytes``; every thin body fits into the smallest.
MIN_BODY_BYTES, DEFAULT_BODY_BYTES, MAX_BODY_BYTES = KIB, 256 * KIB, 32 * MIB


class Endpoint(db.Model):
    """A URL that receives events of one user; a deleted endpoint stays, because its deliveries refer to it."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        CheckConstraint("status IN ('enabled', 'disabled', 'probing')", name="status"),
        CheckConstraint("concurrency BETWEEN 1 AND 50", name="concurrency"),
        CheckConstraint("rate_per_minute BETWEEN 1 AND 60000", name="rate_per_minute"),
        CheckConstraint(f"max_body_bytes BETWEEN {MIN_BODY_BYTES} AND {MAX_BODY_BYTES}", name="max_body_bytes"),
        Index("ix_webhook_endpoints_owner_id", "owner_id"),
        Index("ix_webhook_endpoints_probe_at", "probe_at", postgresql_where=text("probe_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), nullable=False)
    #: The token that made the endpoint or directed it last: the endpoint has no more rights than this token. Null means
    #: a person, with all rights of the owner.
    token_id: Mapped[int | None] = mapped_column(ForeignKey("access_tokens.id"))
    url: Mapped[str] = mapped_column(String(2000), nullable=False)
    description: Mapped[str] = mapped_column(String(500), nullable=False, default="", server_default="")
    events: Mapped[list[str]] = mapped_column(ARRAY(String(100)), nullable=False)
    #: Encrypted by ``kernel/secret_box.py``, like ``headers``, which often hold passwords.
    secret: Mapped[bytes] = mapped_column(LargeBinary, nullable=False)
    previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_secret_until: Mapped[datetime | None] = optional_moment()
    headers: Mapped[bytes | None] = mapped_column(LargeBinary)
    header_names: Mapped[list[str]] = mapped_column(ARRAY(String(100)), nullable=False, server_default="{}")
    #: Maximum number of simultaneous requests.
    concurrency: Mapped[int] = mapped_column(SmallInteger, nullable=False, default=10, server_default="10")
    #: Maximum number of requests in a minute; null means no limit.
    rate_per_minute: Mapped[int | None] = mapped_column(Integer)
    #: A larger body is sent thin, see ``deliveries/thin_body.py``.
    max_body_bytes: Mapped[int] = mapped_column(
        Integer, nullable=False, default=DEFAULT_BODY_BYTES, server_default=str(DEFAULT_BODY_BYTES)
    )
    #: ``[{"cidr", "port"}]``: networks that an admin has allowed in addition to public addresses.
    allowances: Mapped[list[dict[str, Any]]] = mapped_column(JSON, nullable=False, default=list)
    extra: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSON)
    status: Mapped[str] = mapped_column(String(20), nullable=False, default="enabled", server_default="enabled")
    #: Why the endpoint is disabled, as text for people.
    reason: Mapped[str | None] = mapped_column(String(500))
    #: When the hub probes the receiver; null when a person has to enable the endpoint.
    probe_at: Mapped[datetime | None] = optional_moment()
    last_sequence: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0, server_default="0")
    created_at: Mapped[datetime] = moment(default=clock.now)
    updated_at: Mapped[datetime] = moment(default=clock.now)
    deleted_at: Mapped[datetime | None] = optional_moment()
    #: When the token of the endpoint ends or ended, if it has one.
    token_ends_at: Mapped[datetime | None] = column_property(
        select(func.least(AccessToken.revoked_at, AccessToken.expires_at))
        .where(AccessToken.id == token_id)
        .scalar_subquery()
    )

    @property
    def waiting_because(self) -> str | None:
        """Why nothing is sent to the endpoint, although it is not disabled, as text for people."""
        if self.token_id is None or self.token_ends_at is None or self.token_ends_at > clock.now():
            return None
        return TOKEN_ENDED


class Lane(db.Model):
    """Sending state of an endpoint; a sender locks this row while it claims deliveries of the endpoint."""

    __tablename__ = "webhook_lanes"

    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), primary_key=True)
    #: When a sender last served the lane; the lane that has waited longest is served first.
    served_at: Mapped[datetime] = moment(default=clock.now)
    #: Until this time the rate limit is used up.
    booked_until: Mapped[datetime] = moment(default=clock.now)
    #: The receiver answers slowly or not at all; it gets one request at a time, so that others are not delayed.
    is_slow: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False, server_default=text("false"))


class AttemptCount(db.Model):
    """Attempts of an endpoint in one minute; the circuit breaker decides by them."""

    __tablename__ = "webhook_tallies"

    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), primary_key=True)
    minute: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    made: Mapped[int] = mapped_column(Integer, nullable=False)
    failed: Mapped[int] = mapped_column(Integer, nullable=False)


class ReceiverCheck(db.Model):
    """A requested check of a receiver, and its report when it has run."""

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
    #: When the check is due; for a claimed check, when the claim expires.
    due_at: Mapped[datetime] = moment(default=clock.now)
    finished_at: Mapped[datetime | None] = optional_moment()
