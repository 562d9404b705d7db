"""Column types, check constraints, indexes and enumerations that the tables of goods receipts share."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Identity,
    Index,
    Numeric,
    String,
    func,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock

#: Digits before and after the decimal point; enough for a scale and for a float of an ERP.
WHOLE_DIGITS, PLACES = 12, 6


class WidthUnit(StrEnum):
    CENTIMETER = "centimeter"
    INCH = "inch"
    YARD = "yard"


class LengthUnit(StrEnum):
    METER = "meter"
    YARD = "yard"
    KILOGRAM = "kilogram"


class LedgerType(StrEnum):
    IN = "IN"
    OUT = "OUT"


class OutType(StrEnum):
    ASSOCIATION = "Association"
    SAMPLING = "Sampling"
    WRITE_OFF = "Write-Off"
    RETURN_MILL = "Return-mill"


def never_negative(*columns: str) -> tuple[CheckConstraint, ...]:
    """Check constraints: no column is below zero; one constraint per column."""
    return tuple(CheckConstraint(f"{column} >= 0", name=column) for column in columns)


def prefix_index(table: str, column: str) -> Index:
    """Index for a search by the first characters, without case."""
    lowered = func.lower(literal_column(column)).label("lowered")
    name = f"ix_{table}_{column}_prefix"
    return Index(name, lowered, postgresql_ops={"lowered": "text_pattern_ops"})


def identity() -> Mapped[int]:
    return mapped_column(BigInteger, Identity(), primary_key=True)


def quantity(**kwargs: Any) -> Mapped[Decimal | None]:
    return mapped_column(Numeric(WHOLE_DIGITS + PLACES, PLACES), **kwargs)


def text(limit: int, **kwargs: Any) -> Mapped[str | None]:
    return mapped_column(String(limit), **kwargs)


def created() -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), nullable=False, default=clock.now, server_default=func.now())


def metadata() -> Mapped[dict[str, Any] | None]:
    """JSON object of the client; models call it ``extra``, because SQLAlchemy reserves the name ``metadata``."""
    return mapped_column("metadata", JSON(none_as_null=True))
