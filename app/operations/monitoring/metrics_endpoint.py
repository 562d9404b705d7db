"""``/metrics`` for Prometheus: readable from this machine, or with the bearer token."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from flask import Response, current_app, request
from flask.views import MethodView
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from app.accounts.guards import public
from app.kernel.errors import Forbidden, Unauthenticated
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.bearer import bearer_token
from app.kernel.http.client_address import client_address
from app.kernel.http.openapi import refuses
from app.kernel.messages import N_
from app.operations.monitoring.metrics_collector import HubCollector

blp = ApiBlueprint("Metrics", __name__, description="Metrics of the hub for Prometheus.")
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: A request with one of these headers comes through a proxy, so the client may be on another machine.
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")


class MetricsClosed(Forbidden):
    message = N_("Metrics are read on the hub's own machine, or with METRICS_TOKEN as a bearer token.")
    code = "METRICS_CLOSED"


@blp.route("/metrics")
class Metrics(MethodView):
    @public
    @refuses(Unauthenticated, MetricsClosed)
    @blp.response(200, content_type="text/plain", example='hub_queue_depth{queue="default"} 0.0\n')
    def get(self) -> Response:
        """Read all metrics in the text format of Prometheus.

        Clients on this machine need no credential; others send `METRICS_TOKEN` as a bearer token.
        """
        _require_reader()
        return Response(generate_latest(full_registry()), content_type=CONTENT_TYPE_LATEST)


def full_registry() -> CollectorRegistry:
    """Metrics of the processes of this host, and the metrics that are read from PostgreSQL and Redis."""
    result = process_registry()
    result.register(HubCollector())
    return result


def process_registry() -> CollectorRegistry:
    """Metrics of the processes of this host."""
    result = CollectorRegistry()
    result.register(_ProcessMetrics())
    return result


class _ProcessMetrics:
    """Adds up the metrics files of all processes at each scrape, after the gauges of dead processes were removed."""

    def collect(self) -> Iterator[Metric]:
        folder = os.environ.get(FOLDER)
        if not folder:
            yield from REGISTRY.collect()
            return
        _remove_gauges_of_dead_processes(Path(folder))
        yield from MultiProcessCollector(None, folder).collect()  # type: ignore[no-untyped-call]

    def describe(self) -> Iterable[Metric]:
        return ()


def _remove_gauges_of_dead_processes(folder: Path) -> None:
    """Remove the gauges (open streams, connections) of processes that were killed; their counters stay."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            with suppress(FileNotFoundError):  # another process removed it at the same time
                mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]


def _require_reader() -> None:
    token = current_app.config["METRICS_TOKEN"]
    if request.headers.get("Authorization"):
        if token and hmac.compare_digest((bearer_token() or "").encode(), token.encode()):
            return
        raise Unauthenticated(N_("This is not the token of the metrics."))
    if not _is_local():
        raise MetricsClosed


def _is_local() -> bool:
    if any(name in request.headers for name in _FORWARDED):
        return False
    address = client_address()
    return address is not None and ip_address(address).is_loopback
