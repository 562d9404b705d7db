"""OpenTelemetry spans: instrumentation, redaction, and export. Imported only when tracing is on."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from celery import signals
from flask import Flask
from opentelemetry import context
from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status

from app.kernel.logs import request_id
from app.kernel.worker.celery_app import REQUEST_ID

#: The only attributes that are exported. They hold no client addresses, paths, query strings or headers; the only
#: external value is the host name of a webhook endpoint.
ALLOWED_ATTRIBUTES = frozenset(
    {
        REQUEST_ID,
        "celery.action",
        "celery.hostname",
        "celery.task_name",
        "db.namespace",
        "db.operation.name",
        "db.query.text",
        "db.statement",
        "db.system",
        "db.system.name",
        "error.type",
        "exception.type",
        "http.method",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "http.status_code",
        "messaging.destination",
        "messaging.message.id",
        "server.address",
        "server.port",
    }
)
_MAX_TEXT_LENGTH = 2000
SERVICE = "invoice-hub"


class RedactingExporter(SpanExporter):
    """Exports spans with the allowed attributes only; exception messages are removed, they may hold personal data."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_redact(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class ForkSafeProcessor(SpanProcessor):
    """Exports spans from the process that created them: the exporter's thread and connection do not survive a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._processor: SpanProcessor | None = None

    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        if current_id := request_id():
            span.set_attribute(REQUEST_ID, current_id)

    def on_end(self, span: ReadableSpan) -> None:
        self._processor_of_process().on_end(span)

    def shutdown(self) -> None:
        if self._processor and self._pid == os.getpid():
            self._processor.shutdown()

    def _processor_of_process(self) -> SpanProcessor:
        if self._processor is None or self._pid != os.getpid():
            with self._lock:
                if self._processor is None or self._pid != os.getpid():
                    self._processor = BatchSpanProcessor(RedactingExporter(OTLPSpanExporter()))
                    self._pid = os.getpid()
        return self._processor


def trace(app: Flask) -> None:
    """Instrument ``app``; the first call also instruments this process."""
    if not isinstance(api.get_tracer_provider(), TracerProvider):
        _trace_process()
    flask: Any = FlaskInstrumentor()
    flask.instrument_app(app, enable_commenter=False)


def _trace_process() -> None:
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(ForkSafeProcessor())
    api.set_tracer_provider(provider)
    instrumentors: tuple[Any, ...] = (CeleryInstrumentor, PsycopgInstrumentor, RequestsInstrumentor)
    for instrumentor in instrumentors:
        instrumentor().instrument()
    signals.task_prerun.connect(_set_request_id, weak=False)
    # Child processes of a worker exit without running atexit functions.
    signals.worker_process_shutdown.connect(lambda **_rest: provider.shutdown(), weak=False)
    atexit.register(provider.shutdown)


def _resource() -> Resource:
    """The resource with the service name: from ``OTEL_SERVICE_NAME`` or ``OTEL_RESOURCE_ATTRIBUTES``, else the hub."""
    resource = Resource.create()
    named = str(resource.attributes.get("service.name", ""))
    return resource.merge(Resource({"service.name": SERVICE})) if named.startswith("unknown_service") else resource


def _set_request_id(task: Any, **_rest: Any) -> None:
    """Set the request id on the span of a task; the span starts before the request id is bound to the log."""
    if origin_id := getattr(task.request, REQUEST_ID, None):
        api.get_current_span().set_attribute(REQUEST_ID, origin_id)


def _redact(span: ReadableSpan) -> ReadableSpan:
    allowed = _allowed(span.attributes)
    # The path of a request without a route may hold any data, so only the method stays in the name.
    unmatched = span.kind is SpanKind.SERVER and "http.route" not in allowed
    return ReadableSpan(
        name=span.name.partition(" ")[0] if unmatched else span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=allowed,
        events=[Event(event.name, _allowed(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _allowed(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        name: value[:_MAX_TEXT_LENGTH] if isinstance(value, str) else value
        for name, value in (attributes or {}).items()
        if name in ALLOWED_ATTRIBUTES
    }
