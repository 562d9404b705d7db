"""The one place that knows what time it is, so that a test can say otherwise."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and ``Z``, the form of every timestamp that the hub sends."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
