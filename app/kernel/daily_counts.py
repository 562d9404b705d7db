"""Counts of rows per day for the charts of the overview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Date, cast, func, select

from app.extensions import db
from app.kernel import clock


@dataclass(frozen=True, slots=True)
class DailyCount:
    """A day in UTC and its count."""

    day: date
    count: int


def count_per_day(moment: Any, days: int, *conditions: Any) -> Sequence[DailyCount]:
    """Count rows by the UTC day of their column ``moment`` for the last ``days`` days, today last.

    A day without rows has the count 0.
    """
    today = clock.now().date()
    first = today - timedelta(days=days - 1)
    day = cast(func.timezone("UTC", moment), Date)
    since = moment >= datetime.combine(first, time.min, UTC)
    found = db.session.execute(select(day, func.count()).where(since, *conditions).group_by(day))
    counts: dict[date, int] = {row[0]: row[1] for row in found}
    return [DailyCount(on, counts.get(on, 0)) for on in (first + timedelta(days=step) for step in range(days))]
