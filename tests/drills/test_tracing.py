"""One import over HTTP as an OpenTelemetry collector sees it: one trace, without data of customers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.drills.hubs import HEADERS, DrillHub, drill_hub, wait_for
from tests.factories import a_sale

pytestmark = pytest.mark.drill
MODULE = "feature.einvoice_webhooks"
#: From the request through the relay to the sender and the receiver.
SPANS = {
    "POST /api/sales/import/invoice/",
    "apply_async/events.relay",
    "run/events.relay",
    "run/webhooks.send_first",
    "POST",
}
CUSTOMER = "Zeliha Kundura of Izmir"


@dataclass
class Seen:
    """A received span."""

    trace: bytes
    id: bytes
    parent: bytes
    name: str
    service: str
    said: dict[str, Any]


@dataclass
class Collector:
    """Collector that accepts OTLP over HTTP, and webhooks on every other path."""

    spans: list[Seen] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    webhooks: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    def take(self, body: bytes) -> None:
        self.raw.append(body)
        asked = ExportTraceServiceRequest.FromString(body)
        for resource in asked.resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                said = {a.key: getattr(a.value, str(a.value.WhichOneof("value"))) for a in span.attributes}
                self.spans.append(Seen(span.trace_id, span.span_id, span.parent_span_id, span.name, service, said))

    def way_of(self, request_id: str) -> list[Seen]:
        """Return all spans of the trace that a request started."""
        roots = {s.trace for s in self.spans if s.said.get("hub_request_id") == request_id and not s.parent}
        return [span for span in self.spans if span.trace in roots]


@contextmanager
def collector() -> Iterator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                found.take(body if self.headers.get("Content-Encoding") is None else b"")
            else:
                found.webhooks.append(dict(self.headers))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Write no log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def followed(hub: DrillHub, seen: Collector) -> tuple[str, dict[str, Any]]:
    """Import until one trace reaches the webhook: beat may run the relay before the trigger does."""
    for number in range(10):
        sale = a_sale(customer={"code": "CUST-889", "name": CUSTOMER})
        headers = {**HEADERS, "X-Request-Id": f"import-{number}"}
        status, answer = hub.post("/api/sales/import/invoice/", sale, headers=headers)
        assert status == 201, answer
        with suppress(AssertionError):
            wait_for(lambda number=number: {span.name for span in seen.way_of(f"import-{number}")} >= SPANS, 8)
            return f"import-{number}", sale
    raise AssertionError({span.name for span in seen.spans})


@pytest.mark.takes_turns
def test_an_import_is_one_trace_from_the_request_to_the_webhook() -> None:
    with collector() as seen:
        otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{seen.port}", "OTEL_BSP_SCHEDULE_DELAY": "200"}
        with drill_hub(webs=1, **otel) as hub:
            admin = hub.sign_in("admin")
            (email,) = hub.sql("SELECT email FROM users ORDER BY id DESC LIMIT 1")[0]
            hub.flask("modules", "enable", email, MODULE)
            endpoint = {
                "url": f"http://127.0.0.1:{seen.port}/hook",
                "events": ["sales.*"],
                "allowances": [{"cidr": "127.0.0.1/32", "port": seen.port}],
            }
            made, answer = hub.post("/api/v1/webhooks/endpoints", endpoint, headers=admin)
            assert made == 201, answer
            request_id, sale = followed(hub, seen)
            assert seen.webhooks
        way = seen.way_of(request_id)  # every process has told all it had to tell
    assert len({span.trace for span in way}) == 1
    ids = {span.id for span in way}
    assert all(span.parent in ids for span in way if span.parent), "a span hangs in the air"
    assert {span.service for span in seen.spans} == {"invoice-hub"}
    assert any("INSERT INTO" in span.said.get("db.query.text", "") for span in way)
    everything = b"".join(seen.raw)
    for secret in (CUSTOMER, sale["invoice_no"], HEADERS["X-API-KEY"], "127.0.0.1/hook", "the drills"):
        assert secret.encode() not in everything, secret
