"""The spans of a process: what makes them, what they may say, and how they leave; imported only when wanted."""

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

#: All that leaves the process. No addresses of people, no paths, no queries, no headers: what stands here is the
#: hub's own words, but for the host of a webhook.
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
    """Passes spans on with nothing in them but what may be said; an exception's text may be a customer's name."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_redact(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class ForkSafeProcessor(SpanProcessor):
    """Sends spans from the process that made them: a sender's thread and connection do not survive a fork."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._pid = 0
        self._sender: SpanProcessor | None = None

    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        if behind := request_id():
            span.set_attribute(REQUEST_ID, behind)

    def on_end(self, span: ReadableSpan) -> None:
        self._own().on_end(span)

    def shutdown(self) -> None:
        if self._sender and self._pid == os.getpid():
            self._sender.shutdown()

    def _own(self) -> SpanProcessor:
        if self._sender is None or self._pid != os.getpid():
            with self._starting:
                if self._sender is None or self._pid != os.getpid():
                    self._sender, self._pid = BatchSpanProcessor(RedactingExporter(OTLPSpanExporter())), os.getpid()
        return self._sender


def trace(app: Flask) -> None:
    """Make spans of what happens in ``app`` and, the first time, in this process."""
    if not isinstance(api.get_tracer_provider(), TracerProvider):
        _trace_process()
    flask: Any = FlaskInstrumentor()
    flask.instrument_app(app, enable_commenter=False)


def _trace_process() -> None:
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(ForkSafeProcessor())
    api.set_tracer_provider(provider)
    parts: tuple[Any, ...] = (CeleryInstrumentor, PsycopgInstrumentor, RequestsInstrumentor)
    for instrumentor in parts:
        instrumentor().instrument()
    signals.task_prerun.connect(_set_request_id, weak=False)
    # Children of a worker end without Python's own farewell.
    signals.worker_process_shutdown.connect(lambda **_rest: provider.shutdown(), weak=False)
    atexit.register(provider.shutdown)


def _resource() -> Resource:
    """Who speaks: what ``OTEL_SERVICE_NAME`` or ``OTEL_RESOURCE_ATTRIBUTES`` say, else the hub."""
    resource = Resource.create()
    named = str(resource.attributes.get("service.name", ""))
    return resource.merge(Resource({"service.name": SERVICE})) if named.startswith("unknown_service") else resource


def _set_request_id(task: Any, **_rest: Any) -> None:
    """A task's span begins before its log lines know which request is behind it."""
    if behind := getattr(task.request, REQUEST_ID, None):
        api.get_current_span().set_attribute(REQUEST_ID, behind)


def _redact(span: ReadableSpan) -> ReadableSpan:
    said = _allowed(span.attributes)
    # Of a path that no route knows nobody can tell what stands in it.
    unmatched = span.kind is SpanKind.SERVER and "http.route" not in said
    return ReadableSpan(
        name=span.name.partition(" ")[0] if unmatched else span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=said,
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
