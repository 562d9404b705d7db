"""Tables of logins: attempts by account and network, networks where a user signed in, invitations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db


class LoginCount(db.Model):
    """Attempts of one subject within one period, a fixed window that begins at the first attempt."""

    __tablename__ = "login_counts"
    __table_args__ = (Index("ix_login_counts_ends_at", "ends_at"),)

    #: SHA-256 of what is counted (network, account, account at a network): the table holds no e-mail address.
    subject: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    #: Length of the period.
    seconds: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    attempts: Mapped[int] = mapped_column(Integer, nullable=False)
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)


class LoginNetwork(db.Model):
    """A network (an IPv4 address or an IPv6 /64) where a user signed in; guesses elsewhere do not lock it out."""

    __tablename__ = "login_networks"
    __table_args__ = (Index("ix_login_networks_last_login_at", "last_login_at"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    network: Mapped[str] = mapped_column(String(50), primary_key=True)
    last_login_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)


class Invitation(db.Model):
    """A link with which a user sets a password once; only the hash of its token is stored."""

    __tablename__ = "invitations"

    #: A user has one invitation: a new one replaces the earlier one.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), nullable=False, unique=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, index=True)
