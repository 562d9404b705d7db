"""Tables of users, login sessions, API keys, the audit trail, API calls and idempotency keys."""

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
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.kernel import clock
from app.kernel.database.month_partitions import by_month
from app.languages import LANGUAGES


def _timestamp(**kwargs: Any) -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), nullable=False, **kwargs)


class User(db.Model):
    """A person or a system that signs in; e-mail addresses are stored in lower case."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("role IN ('admin', 'billing', 'warehouse', 'integrator')", name="role"),
        CheckConstraint(f"language IN {tuple(LANGUAGES)}", name="language"),
        CheckConstraint("theme IN ('auto', 'light', 'dark')", name="theme"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(String(254), nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(200), nullable=False)
    role: Mapped[str] = mapped_column(String(20), nullable=False)
    password_hash: Mapped[str] = mapped_column(String(200), nullable=False)
    is_active: Mapped[bool] = mapped_column(Boolean, nullable=False, server_default=text("true"), default=True)
    created_at: Mapped[datetime] = _timestamp(default=clock.now, server_default=func.now())
    last_login_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    #: Language of the pages; null means the language of the browser.
    language: Mapped[str | None] = mapped_column(String(2))
    #: Time zone of the pages; null means the time zone of the browser.
    time_zone: Mapped[str | None] = mapped_column(String(50))
    theme: Mapped[str] = mapped_column(String(5), nullable=False, server_default=text("'auto'"), default="auto")
    #: List of the pages -> the columns that the user chose; null: no choice.
    list_columns: Mapped[dict[str, list[str]] | None] = mapped_column(JSON)


class LoginSession(db.Model):
    """One login: a chain of refresh tokens of which only the newest is valid."""

    __tablename__ = "login_sessions"
    __table_args__ = (Index("ix_login_sessions_expires_at", "expires_at"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True)
    #: ``jti`` of the newest refresh token; the use of an older one means that it was stolen.
    current_jti: Mapped[str] = mapped_column(String(36), nullable=False)
    created_at: Mapped[datetime] = _timestamp(default=clock.now)
    expires_at: Mapped[datetime] = _timestamp()
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_because: Mapped[str | None] = mapped_column(String(50))

    user: Mapped[User] = relationship(lazy="raise_on_sql")


class ApiKey(db.Model):
    """A key for sales imports; only its SHA-256 is stored, and its first characters to recognise it."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), nullable=False)
    prefix: Mapped[str] = mapped_column(String(12), nullable=False)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), nullable=False, unique=True)
    #: Addresses and networks from which it may be used; empty allows all.
    allowlist: Mapped[list[str]] = mapped_column(ARRAY(String(50)), nullable=False, server_default="{}")
    created_at: Mapped[datetime] = _timestamp(default=clock.now)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_address: Mapped[str | None] = mapped_column(String(45))


class AuditEntry(db.Model):
    """A security event, written in the transaction that caused it."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_created_at", "created_at"),
        Index("ix_audit_entries_actor", "actor", "id"),
        Index("ix_audit_entries_action", "action", "id", postgresql_ops={"action": "text_pattern_ops"}),
        Index("ix_audit_entries_subject", "subject", "id"),
        Index("ix_audit_entries_unplaced", "id", postgresql_where=text("position IS NULL")),
        Index("ix_audit_entries_owner_id", "owner_id", "id", postgresql_where=text("owner_id IS NOT NULL")),
        by_month(uniques=[("position",)]),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    #: The order in which all readers see the entries; null until the first of them.
    position: Mapped[int | None] = mapped_column(BigInteger)
    #: ``object.event``: ``user.created``, ``session.refused`` …
    action: Mapped[str] = mapped_column(String(100), nullable=False)
    actor: Mapped[str] = mapped_column(String(200), nullable=False)
    subject: Mapped[str] = mapped_column(String(200), nullable=False)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
    address: Mapped[str | None] = mapped_column(String(45))
    request_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[datetime] = _timestamp(default=clock.now)
    #: The user whose object it is about, who may read the entry; null for objects of the installation.
    owner_id: Mapped[int | None] = mapped_column(BigInteger)


class ApiCall(db.Model):
    """One authenticated API call: caller, method, path, status, duration, address."""

    __tablename__ = "api_calls"
    __table_args__ = (
        Index("ix_api_calls_created_at", "created_at"),
        Index("ix_api_calls_credential_created_at", "credential", "created_at"),
        Index("ix_api_calls_user_id_created_at", "user_id", "created_at"),
        Index("ix_api_calls_errors", "status", "created_at", postgresql_where=text("status >= 400")),
        by_month(),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    credential: Mapped[str] = mapped_column(String(100), nullable=False)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    method: Mapped[str] = mapped_column(String(10), nullable=False)
    path: Mapped[str] = mapped_column(Text, nullable=False)
    status: Mapped[int] = mapped_column(SmallInteger, nullable=False)
    milliseconds: Mapped[float] = mapped_column(Float, nullable=False)
    address: Mapped[str | None] = mapped_column(String(45))
    request_id: Mapped[str] = mapped_column(String(128), nullable=False)
    created_at: Mapped[datetime] = _timestamp()


class IdempotencyKey(db.Model):
    """The stored response of a creating POST, committed together with the created rows."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    credential: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: SHA-256 of method, path, query and body: the same key with another request is an error of the client.
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32), nullable=False)
    status: Mapped[int] = mapped_column(Integer, nullable=False)
    headers: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False)
    body: Mapped[bytes] = mapped_column(LargeBinary, nullable=False)
    created_at: Mapped[datetime] = _timestamp(default=clock.now)
