"""Bar charts of daily counts: positions and heights of the bars, which a template draws as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import format_date

from app.kernel.database.daily_counts import DailyCount

WIDTH, HEIGHT, BAR, GAP, BASELINE, TOP = 280, 110, 28, 14, 90, 18


@dataclass(frozen=True, slots=True)
class Bar:
    """Bar of one day: position, height, count and name of the weekday."""

    x: int
    y: float
    height: float
    count: int
    name: str
    is_today: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of the last days; the last bar is today."""

    bars: Sequence[Bar]

    @property
    def today(self) -> int:
        return self.bars[-1].count

    @property
    def total(self) -> int:
        return sum(bar.count for bar in self.bars)

    @property
    def text_alternative(self) -> str:
        """The counts as text, for screen readers."""
        return ", ".join(f"{bar.name} {bar.count}" for bar in self.bars)


def build_chart(days: Sequence[DailyCount]) -> Chart:
    """Build a chart of daily counts, the last of which is today's."""
    largest = max((day.count for day in days), default=0) or 1
    return Chart([_bar(position, day, largest, position == len(days) - 1) for position, day in enumerate(days)])


def _bar(position: int, day: DailyCount, largest: int, is_today: bool) -> Bar:
    # A day with a count above zero has a visible bar.
    height = max(3.0, (BASELINE - TOP) * day.count / largest) if day.count else 0.0
    x = GAP // 2 + position * (BAR + GAP - 2)
    return Bar(x, round(BASELINE - height, 1), round(height, 1), day.count, format_date(day.day, "EEE"), is_today)
