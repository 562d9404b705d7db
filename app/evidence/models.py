"""Tables of the evidence: the head of each chain, its records, the root of each day, its time stamp and its mail."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    String,
    Text,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.evidence.record_bytes import NO_HASH
from app.extensions import db
from app.kernel import clock
from app.kernel.database.check_constraints import one_of
from app.kernel.uuids import new_uuid
from app.kernel.worker.work_queue import LeasedWork, WorkState, work_indexes


class EvidenceChain(db.Model):
    """The head of the chain of one owner: its last record. The lock on this row makes positions gap-free."""

    __tablename__ = "evidence_chains"
    __table_args__ = (CheckConstraint("position >= 0", name="position"),)

    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    chain_id: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False, default=new_uuid)
    position: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0)
    hash: Mapped[str] = mapped_column(String(64), nullable=False, default=NO_HASH)
    #: Moment of the last record: no later record has an earlier one, also when the clock was set back.
    last_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)


class EvidenceEntry(db.Model):
    """A record of a chain; it is never changed."""

    __tablename__ = "evidence_entries"
    __table_args__ = (
        CheckConstraint("position >= 1", name="position"),
        Index("ix_evidence_entries_einvoice_id", "einvoice_id", "position"),
    )

    owner_id: Mapped[int] = mapped_column(ForeignKey("evidence_chains.owner_id"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64), nullable=False)
    kind: Mapped[str] = mapped_column(String(50), nullable=False)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)
    einvoice_id: Mapped[int | None] = mapped_column(BigInteger)
    #: The canonical bytes, which are ASCII or UTF-8 text.
    body: Mapped[str] = mapped_column(Text, nullable=False)
    #: Salt of the sealed content. Without it nobody can show any more what the content was.
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: Row of the history of the e-invoice that has the sealed content.
    source_id: Mapped[int | None] = mapped_column(BigInteger)


class EvidenceRoot(db.Model):
    """The Merkle root of the records of one day (in UTC) of a chain; only ``mail_id`` is ever changed."""

    __tablename__ = "evidence_roots"
    __table_args__ = (CheckConstraint("1 <= first AND first <= last", name="records"),)

    owner_id: Mapped[int] = mapped_column(ForeignKey("evidence_chains.owner_id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    #: Positions of the records of the day.
    first: Mapped[int] = mapped_column(BigInteger, nullable=False)
    last: Mapped[int] = mapped_column(BigInteger, nullable=False)
    root: Mapped[str] = mapped_column(String(64), nullable=False)
    #: Hash of the statement, which the next one contains.
    hash: Mapped[str] = mapped_column(String(64), nullable=False)
    #: The statement as canonical bytes: root, positions, last record, hash of the statement before.
    body: Mapped[str] = mapped_column(Text, nullable=False)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)
    #: Id of the mail that it was sent by.
    mail_id: Mapped[int | None] = mapped_column(BigInteger)
    stamp: Mapped[EvidenceStamp | None] = relationship(lazy="raise_on_sql", viewonly=True)

    @property
    def stamped_at(self) -> datetime | None:
        """When an authority stamped it, by the clock of the authority; None without a time stamp."""
        return self.stamp.stamped_at if self.stamp else None


class EvidenceStamp(LeasedWork, db.Model):
    """The time stamp (RFC 3161) of a root, and the work to get it."""

    __tablename__ = "evidence_stamps"
    __table_args__ = (
        *work_indexes("evidence_stamps"),
        one_of("state", WorkState),
        ForeignKeyConstraint(["owner_id", "day"], ["evidence_roots.owner_id", "evidence_roots.day"]),
        CheckConstraint("(reply IS NULL) = (stamped_at IS NULL)", name="stamped"),
    )

    owner_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    #: The whole answer of the authority (``TimeStampResp`` in DER), with its certificates.
    reply: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: The moment that the authority states.
    stamped_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class EvidenceMail(LeasedWork, db.Model):
    """A mail with roots, and the work to send it."""

    __tablename__ = "evidence_mails"
    __table_args__ = (*work_indexes("evidence_mails"), one_of("state", WorkState))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, default=clock.now)
