"""Slow endpoints: mean and percentile from the buckets."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.operations.monitoring import request_metrics, slow_endpoints


def test_the_slowest_come_first_with_mean_and_percentile(anybody: FlaskClient) -> None:
    for _ in range(19):
        request_metrics.SECONDS.labels("GET", "/slow").observe(0.2)
    request_metrics.SECONDS.labels("GET", "/slow").observe(2.2)
    request_metrics.SECONDS.labels("GET", "/slowest").observe(60)
    anybody.get("/healthz")
    found = slow_endpoints.slowest(1000)
    slowest, slow = (next(e for e in found if e.route == route) for route in ("/slowest", "/slow"))
    assert found.index(slowest) < found.index(slow)
    assert slowest.p95_ms is None
    assert (slow.requests, slow.p95_ms) == (20, 250)
    assert slow.mean_ms == pytest.approx(300)
    assert "/healthz" in {endpoint.route for endpoint in found}
    assert len(slow_endpoints.slowest(2)) == 2
