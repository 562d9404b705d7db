"""The current time and its text form. All code reads the time here, so that a test can replace it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The current time as an aware datetime in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and ``Z``, the form of every timestamp that the hub sends."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
