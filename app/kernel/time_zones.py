"""Time zones by their IANA names, and the days of the installation's own one."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from flask import current_app

from app.kernel import clock
from app.kernel.messages import N_

NO_TIME_ZONE = N_("Expected the name of a time zone, for instance Europe/Istanbul.")


@functools.cache
def names() -> Sequence[str]:
    """Names to choose from, such as Europe/Istanbul; ``find`` accepts each of them."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")


def find(name: str) -> ZoneInfo | None:
    """The time zone with a name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def of_installation() -> ZoneInfo:
    """The time zone of the setting ``TIME_ZONE``: a day of the warehouse is a day of it."""
    return ZoneInfo(current_app.config["TIME_ZONE"])


def today() -> date:
    """The present day of the installation."""
    return clock.now().astimezone(of_installation()).date()


def beginning_of(day: date) -> datetime:
    """The moment at which a day of the installation begins."""
    return datetime.combine(day, time.min, of_installation())


def end_of(day: date) -> datetime:
    """The last moment of a day of the installation."""
    return datetime.combine(day, time.max, of_installation())
