"""Rate limit headers of answers: ``X-RateLimit-*`` and ``Retry-After``."""

from __future__ import annotations

import math
import time

from flask import Flask, Response

from app.extensions import limiter


def register(app: Flask) -> None:
    """Add the headers to every answer of ``app`` that a rate limit applies to."""
    app.after_request(_add_headers)


def _add_headers(answer: Response) -> Response:
    """Add ``X-RateLimit-*``, and ``Retry-After`` if the limit is exceeded.

    Flask-Limiter itself would add ``Retry-After`` to every answer, and increase a value that a view has set.
    """
    limit = limiter.current_limit
    if limit is None:
        return answer
    remaining, reset_at = limit.remaining, limit.reset_at
    answer.headers["X-RateLimit-Limit"] = str(limit.limit.amount)
    answer.headers["X-RateLimit-Remaining"] = str(max(0, remaining))
    answer.headers["X-RateLimit-Reset"] = str(reset_at)
    if limit.breached:
        wait = math.ceil(reset_at - time.time())
        answer.headers["Retry-After"] = str(min(max(1, wait), limit.limit.get_expiry()))
    return answer
