"""Which endpoints are slow, from what every process of this host has counted since it began."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from app.operations.monitoring.metrics_endpoint import process_registry

_FAMILY = "hub_http_request_seconds"
_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint; of the 95th percentile the upper edge of its bucket is known, or None beyond the last one."""

    method: str
    route: str
    requests: int
    mean_ms: float
    p95_ms: float | None


def slowest(limit: int = 10) -> list[Endpoint]:
    """The endpoints whose requests take longest on average."""
    found = [
        Endpoint(method, route, int(numbers["count"]), 1000 * numbers["sum"] / numbers["count"], _p95(numbers))
        for (method, route), numbers in _numbers().items()
        if numbers.get("count")
    ]
    return sorted(found, key=lambda endpoint: endpoint.mean_ms, reverse=True)[:limit]


def _numbers() -> dict[tuple[str, str], dict[str, float]]:
    """Count, sum and the cumulative buckets (by their upper edge) of each endpoint."""
    numbers: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for family in process_registry().collect():
        if family.name != _FAMILY:
            continue
        for sample in family.samples:
            key = sample.labels["method"], sample.labels["route"]
            numbers[key][sample.labels.get("le") or sample.name.removeprefix(f"{_FAMILY}_")] = sample.value
    return numbers


def _p95(numbers: dict[str, float]) -> float | None:
    edges = sorted(float(name) for name in numbers if name not in {"count", "sum", "created"} and name != "+Inf")
    by_edge = {float(name): value for name, value in numbers.items() if name not in {"count", "sum", "created"}}
    reached = (edge for edge in edges if by_edge[edge] >= _SHARE * numbers["count"])
    edge = next(reached, None)
    return None if edge is None else edge * 1000
