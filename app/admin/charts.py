"""Small bar charts, drawn as SVG by a template: heights and places are worked out here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import format_date

from app.kernel.daily_counts import DailyCount

WIDTH, HEIGHT, BAR, GAP, FLOOR, CEILING = 280, 110, 28, 14, 90, 18


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's bar: where it stands, how high it is, what it is called."""

    x: int
    y: float
    height: float
    count: int
    name: str
    is_today: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The last days of one domain."""

    bars: Sequence[Bar]

    @property
    def today(self) -> int:
        return self.bars[-1].count

    @property
    def total(self) -> int:
        return sum(bar.count for bar in self.bars)

    @property
    def spoken(self) -> str:
        """The same for those who hear it."""
        return ", ".join(f"{bar.name} {bar.count}" for bar in self.bars)


def chart_of(days: Sequence[DailyCount]) -> Chart:
    """A chart of days, the last of which is today."""
    most = max((day.count for day in days), default=0) or 1
    return Chart([_bar(place, day, most, place == len(days) - 1) for place, day in enumerate(days)])


def _bar(place: int, day: DailyCount, most: int, is_today: bool) -> Bar:
    # A day with anything at all shows something.
    height = max(3.0, (FLOOR - CEILING) * day.count / most) if day.count else 0.0
    x = GAP // 2 + place * (BAR + GAP - 2)
    return Bar(x, round(FLOOR - height, 1), round(height, 1), day.count, format_date(day.day, "EEE"), is_today)
