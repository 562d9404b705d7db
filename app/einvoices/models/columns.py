"""Columns that several tables of e-invoices have: texts, amounts and moments."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column


def text_column(limit: int) -> Mapped[str]:
    """A text that may be empty."""
    return mapped_column(String(limit), nullable=False, default="", server_default="")


def amount() -> Mapped[Decimal]:
    """An amount of money."""
    return mapped_column(Numeric(18, 3), nullable=False)


def moment(**kwargs: Any) -> Mapped[datetime]:
    """A point in time."""
    return mapped_column(DateTime(timezone=True), nullable=False, **kwargs)


def optional_moment() -> Mapped[datetime | None]:
    """A point in time that may be missing."""
    return mapped_column(DateTime(timezone=True))
