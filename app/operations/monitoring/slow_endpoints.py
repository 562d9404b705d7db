"""Slow endpoints: mean and 95th percentile of request times, from the metrics of the processes of this host."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from app.operations.monitoring.metrics_endpoint import process_registry

_FAMILY = "hub_http_request_seconds"
_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Request times of an endpoint; ``p95_ms`` is the upper bound of its bucket, None above the last bucket."""

    method: str
    route: str
    requests: int
    mean_ms: float
    p95_ms: float | None


def slowest(limit: int = 10) -> list[Endpoint]:
    """Endpoints with the longest mean request time, slowest first."""
    found = [
        Endpoint(method, route, int(numbers["count"]), 1000 * numbers["sum"] / numbers["count"], _p95(numbers))
        for (method, route), numbers in _numbers().items()
        if numbers.get("count")
    ]
    return sorted(found, key=lambda endpoint: endpoint.mean_ms, reverse=True)[:limit]


def _numbers() -> dict[tuple[str, str], dict[str, float]]:
    """Count, sum and cumulative buckets (by upper bound) of each endpoint."""
    numbers: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for family in process_registry().collect():
        if family.name != _FAMILY:
            continue
        for sample in family.samples:
            key = sample.labels["method"], sample.labels["route"]
            numbers[key][sample.labels.get("le") or sample.name.removeprefix(f"{_FAMILY}_")] = sample.value
    return numbers


def _p95(numbers: dict[str, float]) -> float | None:
    buckets = {float(name): value for name, value in numbers.items() if name not in {"count", "sum", "created"}}
    bounds = sorted(bound for bound in buckets if bound != math.inf)
    reached = (bound for bound in bounds if buckets[bound] >= _SHARE * numbers["count"])
    bound = next(reached, None)
    return None if bound is None else bound * 1000
