"""Slow endpoints: mean and percentile out of the counted buckets."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.operations import metrics, slowness


def test_the_slowest_come_first_with_mean_and_percentile(anybody: FlaskClient) -> None:
    for _ in range(19):
        metrics.SECONDS.labels("GET", "/slow").observe(0.2)
    metrics.SECONDS.labels("GET", "/slow").observe(2.2)
    metrics.SECONDS.labels("GET", "/slowest").observe(60)
    anybody.get("/healthz")
    first, second, *others = slowness.slowest()
    assert (first.route, first.p95_ms) == ("/slowest", None)
    assert (second.route, second.requests, second.p95_ms) == ("/slow", 20, 250)
    assert second.mean_ms == pytest.approx(300)
    assert "/healthz" in {endpoint.route for endpoint in others}
