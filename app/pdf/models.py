"""Columns and constraints of print rows: path and hash of the PDF, and the state of the print job."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database.check_constraints import one_of
from app.kernel.worker.work_queue import LeasedWork, WorkState, work_indexes


class PrintedDocument(LeasedWork):
    """Columns of a printed document; a model of a package adds the reference to its subject."""

    #: Path below ``STORAGE_DIR`` of the last successful rendering; null if there was nothing to print.
    path: Mapped[str | None] = mapped_column(String(200))
    sha256: Mapped[str | None] = mapped_column(String(64))


def print_constraints(table: str) -> tuple[CheckConstraint | Index, ...]:
    """Constraints and indexes of a table of printed documents."""
    return (
        one_of("state", WorkState),
        CheckConstraint("(path IS NULL) = (sha256 IS NULL)", name="stored"),
        *work_indexes(table),
        Index(f"ix_{table}_failed", "due_at", postgresql_where=text("state = 'failed'")),
    )
