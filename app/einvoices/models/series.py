"""Table of number series."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db

#: Begins the prefix of a test series. A prefix of a seller has no hyphen, so no legal series has such a prefix.
TEST_PREFIX = "TEST-"


def looks_like_test(prefix: str) -> bool:
    """Whether the legal numbers of a prefix would begin as those of test documents do: ``TEST-2026-000001``."""
    return f"{prefix}-".startswith(TEST_PREFIX)


class EinvoiceSeries(db.Model):
    """Number series of one owner, prefix and year; the lock on its row makes the numbers gap-free."""

    __tablename__ = "e_invoice_series"
    __table_args__ = (UniqueConstraint("owner_id", "prefix", "year"), CheckConstraint("last_number >= 1", name="last"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), nullable=False)
    prefix: Mapped[str] = mapped_column(String(20), nullable=False)
    year: Mapped[int] = mapped_column(Integer, nullable=False)
    last_number: Mapped[int] = mapped_column(Integer, nullable=False)
