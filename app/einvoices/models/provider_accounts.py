"""Tables of provider accounts, their lanes, and the callbacks that were received."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.formats.legal_format import LegalFormat
from app.kernel import clock
from app.kernel.database.check_constraints import one_of
from app.kernel.messages import N_

MAX_CONCURRENCY, DEFAULT_CONCURRENCY, MAX_RATE_PER_MINUTE = 50, 4, 60_000


class Mode(StrEnum):
    """What a seller uses an account for; e-invoices that are issued for a test account are no legal documents."""

    LIVE = "live"
    TEST = "test"


class AccountState(StrEnum):
    """What an account is at present; only ``ready`` ones send."""

    READY = "ready"
    UNTESTED = "untested"
    TEST_FAILED = "test_failed"
    DISABLED = "disabled"
    ARCHIVED = "archived"


#: Why sendings through an account in this state wait.
WAITING_REASONS = {
    AccountState.UNTESTED: N_("The provider account was changed; its connection has to be tested."),
    AccountState.TEST_FAILED: N_("The connection test of the provider account failed."),
    AccountState.DISABLED: N_("The provider account is disabled."),
    AccountState.ARCHIVED: N_("The provider account was archived."),
}
#: Why sendings without an account wait.
SETTINGS_REFUSED = N_("The provider refuses the credentials of this hub; its operator has to look after them.")


def _moment(**kwargs: Any) -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), nullable=False, **kwargs)


def _optional_moment() -> Mapped[datetime | None]:
    return mapped_column(DateTime(timezone=True))


def _url() -> Mapped[str]:
    return mapped_column(String(2000), nullable=False, default="", server_default="")


class ProviderAccount(db.Model):
    """An account of a seller at a provider; one that was used is archived, because e-invoices refer to it."""

    __tablename__ = "provider_accounts"
    __table_args__ = (
        one_of("mode", Mode),
        one_of("document_format", LegalFormat),
        CheckConstraint(f"concurrency BETWEEN 1 AND {MAX_CONCURRENCY}", name="concurrency"),
        CheckConstraint(f"rate_per_minute BETWEEN 1 AND {MAX_RATE_PER_MINUTE}", name="rate_per_minute"),
        CheckConstraint("(test_passed IS NULL) = (tested_at IS NULL)", name="tested"),
        Index(
            "ix_provider_accounts_name", "owner_id", "name", unique=True, postgresql_where=text("archived_at IS NULL")
        ),
        Index(
            "ix_provider_accounts_default",
            "owner_id",
            "mode",
            unique=True,
            postgresql_where=text("is_default AND archived_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), nullable=False)
    name: Mapped[str] = mapped_column(String(100), nullable=False)
    #: Name of the adapter in ``providers/clients.py``.
    adapter: Mapped[str] = mapped_column(String(50), nullable=False)
    mode: Mapped[str] = mapped_column(String(10), nullable=False)
    url: Mapped[str] = _url()
    lookup_url: Mapped[str] = _url()
    #: Encrypted by ``kernel/secret_box.py``, like the secrets of callbacks.
    token: Mapped[bytes | None] = mapped_column(LargeBinary)
    callback_secret: Mapped[bytes] = mapped_column(LargeBinary, nullable=False)
    previous_callback_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_callback_secret_until: Mapped[datetime | None] = _optional_moment()
    #: Word of the provider in lower case to own status; None: words of the provider leave the own status alone.
    mapping: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    #: Legal format of the document that goes with each e-invoice; null: none goes.
    document_format: Mapped[str | None] = mapped_column(String(20))
    concurrency: Mapped[int] = mapped_column(
        SmallInteger, nullable=False, default=DEFAULT_CONCURRENCY, server_default=str(DEFAULT_CONCURRENCY)
    )
    #: Maximum number of sendings in a minute; null means no limit.
    rate_per_minute: Mapped[int | None] = mapped_column(Integer)
    #: ``[{"cidr", "port"}]``: networks that an admin has allowed in addition to public addresses.
    allowances: Mapped[list[dict[str, Any]]] = mapped_column(JSON, nullable=False, default=list)
    is_default: Mapped[bool] = mapped_column(nullable=False, default=False, server_default=false())
    enabled: Mapped[bool] = mapped_column(nullable=False, default=True, server_default=true())
    #: The last connection test since the last change of address, credentials or adapter.
    tested_at: Mapped[datetime | None] = _optional_moment()
    test_passed: Mapped[bool | None] = mapped_column()
    test_message: Mapped[str | None] = mapped_column(String(500))
    #: A connection test is running, at most until this time; another one has to wait.
    testing_until: Mapped[datetime | None] = _optional_moment()
    extra: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSON)
    created_at: Mapped[datetime] = _moment(default=clock.now)
    updated_at: Mapped[datetime] = _moment(default=clock.now)
    archived_at: Mapped[datetime | None] = _optional_moment()

    @property
    def state(self) -> AccountState:
        if self.archived_at is not None:
            return AccountState.ARCHIVED
        if not self.enabled:
            return AccountState.DISABLED
        if self.test_passed is None:
            return AccountState.UNTESTED
        return AccountState.READY if self.test_passed else AccountState.TEST_FAILED

    @property
    def has_token(self) -> bool:
        return self.token is not None

    @property
    def callback_url(self) -> str:
        """Path that the provider reports to."""
        return f"/api/v1/provider-accounts/{self.id}/callback"


class ProviderLane(db.Model):
    """Sending state of an account; a sender locks this row while it claims sendings of the account.

    ``id`` is the id of the account, or 0 for the e-invoices without one.
    """

    __tablename__ = "provider_lanes"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    #: When a sender last served the lane; the lane that has waited longest is served first.
    served_at: Mapped[datetime] = _moment(default=clock.now, server_default=text("now()"))
    #: Until this time the rate limit is used up, or the lane rests after failures.
    booked_until: Mapped[datetime] = _moment(default=clock.now, server_default=text("now()"))
    #: The provider answers slowly or not at all; it gets one request at a time, so that others are not delayed.
    is_slow: Mapped[bool] = mapped_column(nullable=False, default=False, server_default=false())
    #: Attempts in a row without a clear answer; the lane rests longer after each.
    failures: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")
    #: Of the installation's settings: since when the provider refuses their credentials, how it said so, to which
    #: adapter, and the fingerprint of the settings. See ``providers/lockouts.py``.
    refused_at: Mapped[datetime | None] = _optional_moment()
    refusal: Mapped[str | None] = mapped_column(String(500))
    refused_adapter: Mapped[str | None] = mapped_column(String(50))
    refused_settings: Mapped[str | None] = mapped_column(String(64))


def waiting_reason(account: ProviderAccount | None, adapter: str) -> str | None:
    """Why sendings through an account, or through the adapter without one, wait; None if they do not."""
    if account is not None:
        return WAITING_REASONS.get(account.state)
    lane = db.session.get(ProviderLane, 0)
    return SETTINGS_REFUSED if lane is not None and lane.refused_adapter == adapter else None


class ProviderCallback(db.Model):
    """Id of a callback that was applied: a repeat is answered and not applied again."""

    __tablename__ = "provider_callbacks"
    __table_args__ = (Index("ix_provider_callbacks_received_at", "received_at"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("provider_accounts.id", ondelete="CASCADE"), primary_key=True)
    message_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    received_at: Mapped[datetime] = _moment(default=clock.now)
