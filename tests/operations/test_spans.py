"""Redaction of spans."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from app.operations.spans import RedactingExporter


def test_a_span_holds_no_personal_data() -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(RedactingExporter(memory)))
    tracer = provider.get_tracer("test")
    facts = {"url.full": "https://anna:secret@erp.example/?q=Anna", "client.address": "192.0.2.7", "server.port": 443}
    with (
        pytest.raises(ValueError, match="Anna owes"),
        tracer.start_as_current_span("GET /Anna", kind=SpanKind.SERVER, attributes=facts),
    ):
        raise ValueError("Anna owes 920.0")
    with tracer.start_as_current_span("GET /api/<id>", kind=SpanKind.SERVER) as span:
        span.set_attribute("http.route", "/api/<id>")
    first, second = memory.get_finished_spans()
    assert (first.name, second.name) == ("GET", "GET /api/<id>")
    assert dict(first.attributes or {}) == {"server.port": 443}
    assert (first.status.status_code, first.status.description) == (StatusCode.ERROR, None)
    assert [dict(event.attributes or {}) for event in first.events] == [{"exception.type": "ValueError"}]
    assert "Anna" not in first.to_json()
