"""Counts of rows per day for the charts of the overview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ARRAY, DateTime, cast, func, select

from app.extensions import db
from app.kernel import time_zones


@dataclass(frozen=True, slots=True)
class DailyCount:
    """A day of the installation and its count."""

    day: date
    count: int


def count_per_day(moment: Any, days: int, *conditions: Any) -> Sequence[DailyCount]:
    """Count rows by the day of their column ``moment`` for the last ``days`` days of the installation, today last.

    A day without rows has the count 0.
    """
    today = time_zones.today()
    shown = [today - timedelta(days=back) for back in reversed(range(days))]
    beginnings = [time_zones.beginning_of(day) for day in shown]
    number = func.width_bucket(moment, cast(beginnings, ARRAY(DateTime(timezone=True))))
    found = db.session.execute(
        select(number, func.count()).where(moment >= beginnings[0], *conditions).group_by(number)
    )
    counts: dict[int, int] = {row[0]: row[1] for row in found}
    return [DailyCount(day, counts.get(number, 0)) for number, day in enumerate(shown, start=1)]
