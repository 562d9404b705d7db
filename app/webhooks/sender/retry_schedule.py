"""Retry schedule of deliveries: delays between attempts, jitter, and the receiver's ``Retry-After``."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from flask import current_app

#: Delays after the failed attempts, as the e-invoice document has them: 1, 5, 15, 60 minutes and 6 hours. The setting
#: ``WEBHOOK_RETRIES`` replaces them in one installation.
DEFAULT_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (60, 300, 900, 3600, 21_600))
JITTER = 0.1


def retry_delays() -> Sequence[timedelta]:
    """Return the delay after each failed attempt; the attempt after the last delay is the final one."""
    configured: Sequence[timedelta] = current_app.config["WEBHOOK_RETRIES"]
    return configured or DEFAULT_DELAYS


def next_due(step: int, moment: datetime, retry_after: str | None) -> datetime:
    """Return the due time of the retry after ``step``: its delay plus up to 10 %.

    ``retry_after`` (the header) may lengthen the wait to at most twice the delay.
    """
    delay = retry_delays()[step]
    wait = delay * (1 + random.uniform(0, JITTER))  # noqa: S311 - spreads load, no security
    requested = _parse_retry_after(retry_after, moment)
    return moment + (wait if requested is None else min(max(wait, requested), 2 * delay))


def _parse_retry_after(retry_after: str | None, moment: datetime) -> timedelta | None:
    """Return the wait in a ``Retry-After`` header (seconds or a date), or None if it is missing or invalid."""
    value = (retry_after or "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 10**8))
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)) - moment
    except (ValueError, TypeError, OverflowError):
        return None
