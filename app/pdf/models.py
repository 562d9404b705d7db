"""Columns and constraints of print rows: path and hash of the PDF, the print job, who waits; removals of files."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel import clock
from app.kernel.database.check_constraints import one_of
from app.kernel.worker.work_queue import LeasedWork, WorkState, work_indexes


class PrintedDocument(LeasedWork):
    """Columns of a printed document; a model of a package adds the reference to its subject."""

    #: Path in the store of the last successful rendering; null if there was nothing to print.
    path: Mapped[str | None] = mapped_column(String(200))
    sha256: Mapped[str | None] = mapped_column(String(64))


class DocumentOnDemand(PrintedDocument):
    """Columns of a document that is rendered when somebody asks for it, and kept for minutes."""

    #: Hash of what it shows; another one means that the document is out of date.
    version: Mapped[str] = mapped_column(String(64), nullable=False)
    #: The user who asked for it first; users take turns.
    user_id: Mapped[int] = mapped_column(BigInteger, nullable=False)
    #: Whether the document has one part.
    is_short: Mapped[bool] = mapped_column(nullable=False)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, default=clock.now)


class FileRemoval(db.Model):
    """A file of a remote store that is to be removed: no row refers to it any more."""

    __tablename__ = "file_removals"
    __table_args__ = (Index("ix_file_removals_requested_at", "requested_at"),)

    path: Mapped[str] = mapped_column(String(300), primary_key=True)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)


def print_constraints(table: str) -> tuple[CheckConstraint | Index, ...]:
    """Constraints and indexes of a table of printed documents."""
    return (
        one_of("state", WorkState),
        CheckConstraint("(path IS NULL) = (sha256 IS NULL)", name="stored"),
        *work_indexes(table),
        Index(f"ix_{table}_failed", "due_at", postgresql_where=text("state = 'failed'")),
    )


def on_demand_constraints(table: str) -> tuple[CheckConstraint | Index, ...]:
    """Constraints and indexes of a table of documents on demand."""
    return (
        *print_constraints(table),
        Index(f"ix_{table}_turn", "user_id", "due_at", postgresql_where=text("state = 'pending'")),
        Index(f"ix_{table}_short_turn", "user_id", "due_at", postgresql_where=text("state = 'pending' AND is_short")),
        Index(f"ix_{table}_requested_at", "requested_at"),
    )
