"""Limits of lanes: how much may be claimed for each receiver now, by its concurrency, its rate and a fair share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Lane:
    """A locked lane with the limits of its receiver; ``is_single``: one request at a time."""

    id: int
    booked_until: datetime
    concurrency: int
    rate_per_minute: int | None
    is_single: bool

    def limit(self, in_flight: int, share: int, moment: datetime) -> int:
        """Return how much may be claimed for this lane now."""
        limit = min(share, (1 if self.is_single else self.concurrency) - in_flight)
        if self.rate_per_minute is None:
            return limit
        # Unused rate of the last second may be used now; more would be a burst.
        since = min(timedelta(seconds=1), moment - self.booked_until)
        return min(limit, 1 + int(since / self._interval))

    def booked_after(self, claimed: int, moment: datetime) -> datetime:
        """Return the time until which the rate is used up after ``claimed`` more requests."""
        if self.rate_per_minute is None:
            return moment
        return max(self.booked_until, moment - timedelta(seconds=1)) + claimed * self._interval

    @property
    def _interval(self) -> timedelta:
        return timedelta(minutes=1) / (self.rate_per_minute or 1)


def share_out(lanes: Sequence[Lane], in_flight: Mapping[int, int], free: int, moment: datetime) -> list[int]:
    """Divide ``free`` places fairly; ``in_flight`` has the number of running requests by lane."""
    share = -(-free // len(lanes))
    limits = []
    for lane in lanes:
        limit = max(0, min(free, lane.limit(in_flight.get(lane.id, 0), share, moment)))
        limits.append(limit)
        free -= limit
    return limits
