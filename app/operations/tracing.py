"""OpenTelemetry tracing of requests, tasks, SQL and webhooks, when the environment enables it; spans hold no data.

Otherwise no OpenTelemetry package is imported: they are in ``requirements-tracing.txt`` and are optional.
"""

from __future__ import annotations

import os
from importlib import import_module

from flask import Flask

from app.config import ConfigurationError, Settings

#: Defaults of OpenTelemetry variables; the environment can override each.
DEFAULTS = {
    # The stable names of the semantic conventions.
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
    # Webhooks pass on the trace ids, but no baggage: it may hold personal data.
    "OTEL_PROPAGATORS": "tracecontext",
    # Seconds. At exit, spans that the collector does not accept in this time are lost.
    "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
    # Requests of monitoring systems are not traced.
    "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "/healthz,/readyz,/metrics",
}
MISSING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, and the packages for tracing are not installed ({module}). "
    "Type: .venv/bin/python -m pip install --no-deps --require-hashes -r requirements-tracing.txt"
)


def register(app: Flask, settings: Settings) -> None:
    """Trace ``app`` if tracing is on in ``settings``.

    Raises:
        ConfigurationError: the packages are not installed.
    """
    if not settings.tracing:
        return
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        spans = import_module("app.operations.spans")
    except ModuleNotFoundError as error:
        raise ConfigurationError(MISSING.format(module=error.name)) from error
    spans.trace(app)
