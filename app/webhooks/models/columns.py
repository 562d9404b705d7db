"""Timestamp columns that the webhook tables share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.orm import Mapped, mapped_column


def moment(**kwargs: Any) -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), nullable=False, **kwargs)


def optional_moment() -> Mapped[datetime | None]:
    return mapped_column(DateTime(timezone=True))
