"""How much came in on each of the last days, for charts."""

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
    """A day of UTC and a count."""

    day: date
    count: int


def count_per_day(moment: Any, days: int, *conditions: Any) -> Sequence[DailyCount]:
    """Rows by the day of their ``moment``, today last; days without any are there with 0."""
    today = clock.now().date()
    first = today - timedelta(days=days - 1)
    day = cast(func.timezone("UTC", moment), Date)
    since = moment >= datetime.combine(first, time.min, UTC)
    found = db.session.execute(select(day, func.count()).where(since, *conditions).group_by(day))
    counts: dict[date, int] = {row[0]: row[1] for row in found}
    return [DailyCount(on, counts.get(on, 0)) for on in (first + timedelta(days=step) for step in range(days))]
