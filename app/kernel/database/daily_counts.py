"""Counts of rows per day for the charts of the overview."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, and_, func, select

from app.extensions import bus, db
from app.kernel import clock, time_zones

log = structlog.get_logger(__name__)
#: Seconds for which the count of a finished span is kept; afterwards it knows of rows that were deleted.
LIFETIME = 900
#: Seconds for which a process counts everything after an error of Redis.
AWAY_SECONDS = 30.0
#: A row is committed at most this long after the moment that it has; bulk imports commit their rows in parts.
_COMMITTED_AFTER = timedelta(minutes=10)
_STEP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DailyCount:
    """A day of the installation and its count."""

    day: date
    count: int


@dataclass(frozen=True, slots=True)
class _Span:
    """A day or a part of today; a ``finished`` one gets no more rows."""

    day: date
    begins: datetime
    ends: datetime
    finished: bool


def count_per_day(moment: Any, days: int, *conditions: ColumnElement[bool]) -> Sequence[DailyCount]:
    """Count rows by the day of their column ``moment`` for the last ``days`` days of the installation, today last.

    A day without rows has the count 0. The counts of finished spans are kept in Redis, so that only the rows of the
    last hours are counted each time. Without Redis all are counted.
    """
    spans = _spans(days)
    keys = {span: _key(moment, span, conditions) for span in spans if span.finished}
    counts = _kept.read(keys)
    counted = _count(moment, [span for span in spans if span not in counts], conditions)
    _kept.keep({keys[span]: count for span, count in counted.items() if span.finished})
    of_day: Counter[date] = Counter()
    for span, count in {**counts, **counted}.items():
        of_day[span.day] += count
    return [DailyCount(day, of_day[day]) for day in dict.fromkeys(span.day for span in spans)]


def _spans(days: int) -> list[_Span]:
    """The last days; of today, the finished hours and the rest are two spans."""
    today = time_zones.today()
    shown = [today - timedelta(days=back) for back in reversed(range(days))]
    begins = [time_zones.beginning_of(day) for day in (*shown, today + timedelta(days=1))]
    settled = clock.now() - _COMMITTED_AFTER
    spans = [
        _Span(day, begin, end, finished=end <= settled)
        for day, begin, end in zip(shown, begins, begins[1:], strict=False)
    ]
    hour = begins[-2] + max(timedelta(), (settled - begins[-2]) // _STEP * _STEP)
    return [*spans[:-1], _Span(today, begins[-2], hour, finished=True), _Span(today, hour, begins[-1], finished=False)]


def _count(moment: Any, spans: Sequence[_Span], conditions: Sequence[ColumnElement[bool]]) -> dict[_Span, int]:
    """The rows of each span, by one statement that reads the rows of these spans alone."""
    counts = [
        select(func.count()).where(moment >= span.begins, moment < span.ends, *conditions).scalar_subquery()
        for span in spans
    ]
    return dict(zip(spans, db.session.execute(select(*counts)).one(), strict=True))


def _key(moment: Any, span: _Span, conditions: Sequence[ColumnElement[bool]]) -> str:
    """The name of a count in Redis: it differs by column, conditions with their values, and span."""
    compiled = and_(moment >= span.begins, moment < span.ends, *conditions).compile()
    described = f"{moment} {compiled} {sorted(compiled.params.items())}"
    return f"hub:daily-count:{hashlib.sha256(described.encode()).hexdigest()}"


class _KeptCounts:
    """The counts of finished spans in Redis; after an error this process does without them for a while.

    Otherwise a page with several charts would wait for a Redis that hangs once for each of them.
    """

    def __init__(self) -> None:
        self._away_until = 0.0

    def read(self, keys: Mapping[_Span, str]) -> dict[_Span, int]:
        """The counts that are kept, by their spans."""
        stored: Any = [None] * len(keys)
        if time.monotonic() >= self._away_until:
            try:
                stored = bus.client.mget(list(keys.values()))
            except RedisError as error:
                self._leave(error)
        return {span: int(count) for span, count in zip(keys, stored, strict=True) if count is not None}

    def keep(self, counts: Mapping[str, int]) -> None:
        """Keep counts by their names."""
        if time.monotonic() < self._away_until:
            return
        try:
            with bus.client.pipeline(transaction=False) as pipe:
                for key, count in counts.items():
                    pipe.set(key, count, ex=LIFETIME)
                pipe.execute()
        except RedisError as error:
            self._leave(error)

    def _leave(self, error: RedisError) -> None:
        self._away_until = time.monotonic() + AWAY_SECONDS
        log.warning("daily_counts_without_redis", error_kind=type(error).__name__)


_kept = _KeptCounts()
