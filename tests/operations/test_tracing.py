"""Tracing: off it costs nothing, on without its packages it refuses, and what leaves says nothing of anybody."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from app.config import ConfigurationError, Settings
from app.operations.spans import RedactingExporter
from tests.drills.hubs import ROOT

ENVIRONMENT = {
    "ENVIRONMENT": "test",
    "SECRET_KEY": "a secret of the tests, long enough for production",
    "DATABASE_URL": "postgresql://127.0.0.1/nowhere",
    "REDIS_URL": "redis://127.0.0.1/0",
    "STORAGE_DIR": "/nowhere",
}
COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


def python(program: str, **facts: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, since what is imported stays imported."""
    environment = {"PATH": os.environ["PATH"], **ENVIRONMENT, **facts}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_without_its_variable_nothing_of_it_is_loaded() -> None:
    # Redis' client looks for the bare SDK by itself, where it is installed.
    loaded = (
        r"[name for name in sys.modules if re.match(r'opentelemetry\.(inst|exp)|google\.protobuf|app\..*spans', name)]"
    )
    done = python(f"import re, sys, wsgi; print({loaded})")
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_without_its_packages_the_start_says_what_to_type() -> None:
    done = python("import sys; sys.modules['opentelemetry'] = None; import wsgi", **COLLECTOR)
    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        "Invoice Hub cannot start:",
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, and the packages for tracing are not installed (opentelemetry). "
        "Type: .venv/bin/python -m pip install --require-hashes -r requirements-tracing.txt",
    ]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        (COLLECTOR, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, True),
        (COLLECTOR | {"OTEL_SDK_DISABLED": "True"}, False),
        (COLLECTOR | {"OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_it_is_wanted_by_its_own_variables(said: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ENVIRONMENT | said).items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment().tracing is wanted


def test_a_protocol_that_it_does_not_speak_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ENVIRONMENT | COLLECTOR | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_PROTOCOL"):
        Settings.from_environment()


def test_a_span_says_nothing_of_anybody() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(RedactingExporter(kept)))
    tracer = provider.get_tracer("test")
    told = {"url.full": "https://anna:secret@erp.example/?q=Anna", "client.address": "192.0.2.7", "server.port": 443}
    with pytest.raises(ValueError), tracer.start_as_current_span("GET /Anna", kind=SpanKind.SERVER, attributes=told):  # noqa: PT011
        raise ValueError("Anna owes 920.0")
    with tracer.start_as_current_span("GET /api/<id>", kind=SpanKind.SERVER) as span:
        span.set_attribute("http.route", "/api/<id>")
    first, second = kept.get_finished_spans()
    assert (first.name, second.name) == ("GET", "GET /api/<id>")
    assert dict(first.attributes or {}) == {"server.port": 443}
    assert (first.status.status_code, first.status.description) == (StatusCode.ERROR, None)
    assert [dict(event.attributes or {}) for event in first.events] == [{"exception.type": "ValueError"}]
    assert "Anna" not in first.to_json()
