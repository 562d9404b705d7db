"""What an answer tells of the rate limit that it was counted under."""

from __future__ import annotations

import math
import time

import structlog
from flask import Flask, Response

from app.extensions import limiter

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    app.after_request(_tell)


def _tell(answer: Response) -> Response:
    """Add ``X-RateLimit-*``, and ``Retry-After`` where waiting helps.

    Flask-Limiter would write ``Retry-After`` on every answer, and lengthen one that says when to ask again.
    """
    limit = limiter.current_limit
    if limit is None:
        return answer
    try:
        remaining, reset_at = limit.remaining, limit.reset_at
    except Exception as error:  # noqa: BLE001 - whatever Redis does, the answer is made and goes out
        log.warning("rate_limit_unknown", error=str(error))
        return answer
    answer.headers["X-RateLimit-Limit"] = str(limit.limit.amount)
    answer.headers["X-RateLimit-Remaining"] = str(max(0, remaining))
    answer.headers["X-RateLimit-Reset"] = str(reset_at)
    if limit.breached:
        wait = math.ceil(reset_at - time.time())
        answer.headers["Retry-After"] = str(min(max(1, wait), limit.limit.get_expiry()))
    return answer
