"""Metrics of each process: HTTP requests by route, and connections of its database pool."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import event
from sqlalchemy.pool import Pool

from app.kernel.logs import elapsed_ms

REQUESTS = Counter("hub_http_requests_total", "Answered requests.", ["method", "route", "status"])
SECONDS = Histogram(
    "hub_http_request_seconds",
    "Duration of requests; of a stream, the time until its start.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
POOL = Gauge(
    "hub_database_pool_connections",
    "Connections of the database pools of all processes: open and in use.",
    ["state"],
    multiprocess_mode="livesum",
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: One route label for all unknown paths: a scanner that tries many paths must not create a series for each.
UNMATCHED = "unmatched"


def register(app: Flask) -> None:
    """Count the requests of ``app`` and the connections of every database pool."""
    app.after_request(_count)
    for name, listener in _LISTENERS.items():
        if not event.contains(Pool, name, listener):
            event.listen(Pool, name, listener)


def _count(response: Response) -> Response:
    method = request.method if request.method in _METHODS else "OTHER"
    route = request.url_rule.rule if request.url_rule else UNMATCHED
    REQUESTS.labels(method, route, str(response.status_code)).inc()
    SECONDS.labels(method, route).observe(elapsed_ms() / 1000)
    return response


def _opened(*_args: Any) -> None:
    POOL.labels("open").inc()


def _closed(*_args: Any) -> None:
    POOL.labels("open").dec()


def _checked_out(*_args: Any) -> None:
    POOL.labels("in_use").inc()


def _returned(*_args: Any) -> None:
    POOL.labels("in_use").dec()


_LISTENERS = {
    "connect": _opened,
    "close": _closed,
    "close_detached": _closed,
    "checkout": _checked_out,
    "checkin": _returned,
}
