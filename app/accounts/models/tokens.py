"""Table of scoped tokens: abilities, expiry, allowlist, limits; only hashes of the secrets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    LargeBinary,
    SmallInteger,
    String,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel import clock

#: Allowed lifetimes in days, and the default.
LIFETIMES, DEFAULT_LIFETIME = (30, 90, 180, 365), 90
#: Calls per minute: all calls, reports of a provider's status, and the maximum of both.
DEFAULT_CALLS_PER_MINUTE, DEFAULT_STATUS_CALLS_PER_MINUTE, MAX_CALLS_PER_MINUTE = 60, 20, 10_000


class AccessToken(db.Model):
    """A token of a user for a machine, with the SHA-256 of its secret and, after a rotation, of the previous one."""

    __tablename__ = "access_tokens"
    __table_args__ = (
        CheckConstraint("lifetime_days IN (30, 90, 180, 365)", name="lifetime_days"),
        CheckConstraint("calls_per_minute > 0 AND status_calls_per_minute > 0", name="rates"),
        CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name="previous"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True)
    name: Mapped[str] = mapped_column(String(200), nullable=False)
    #: The readable part of the token: people recognise the token by it, and the hub finds the row by it.
    public_id: Mapped[str] = mapped_column(String(16), nullable=False, unique=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), nullable=False)
    #: Hash of the secret before the last rotation, valid until ``previous_until``.
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    previous_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    #: Granted abilities; effective are those that the role of the user has at the time of use.
    abilities: Mapped[list[str]] = mapped_column(ARRAY(String(50)), nullable=False)
    #: Addresses and networks from which it may be used; empty allows all.
    allowlist: Mapped[list[str]] = mapped_column(ARRAY(String(50)), nullable=False, server_default="{}")
    lifetime_days: Mapped[int] = mapped_column(SmallInteger, nullable=False)
    calls_per_minute: Mapped[int] = mapped_column(SmallInteger, nullable=False)
    status_calls_per_minute: Mapped[int] = mapped_column(SmallInteger, nullable=False)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, index=True)
    rotated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_address: Mapped[str | None] = mapped_column(String(45))
    #: Time of the last audit row about a refusal.
    refused_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    user: Mapped[User] = relationship(lazy="raise_on_sql")
