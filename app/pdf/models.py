"""Rows that say what is to be printed: where the file is, what it hashes to, and how far its making is."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.check_constraints import one_of
from app.kernel.worker.work_queue import LeasedWork, WorkState, work_indexes


class PrintedDocument(LeasedWork):
    """A document to print, or printed; rooms add what it is a document of."""

    #: Below ``STORAGE_DIR``; of the last rendering that worked. None where there was nothing to print.
    path: Mapped[str | None] = mapped_column(String(200))
    sha256: Mapped[str | None] = mapped_column(String(64))


def print_constraints(table: str) -> tuple[CheckConstraint | Index, ...]:
    """What each table of these rows is checked by, and found by."""
    return (
        one_of("state", WorkState),
        CheckConstraint("(path IS NULL) = (sha256 IS NULL)", name="stored"),
        *work_indexes(table),
    )
