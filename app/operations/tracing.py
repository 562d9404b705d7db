"""OpenTelemetry when the environment asks for it: requests, tasks, SQL and webhooks become spans, without data.

Nothing of it is imported otherwise: its packages are in ``requirements-tracing.txt`` and not in every installation.
"""

from __future__ import annotations

import os
from importlib import import_module

from flask import Flask

from app.config import ConfigurationError, Settings

#: What people get who ask for traces without saying more; each can be said otherwise.
DEFAULTS = {
    # The conventions' stable names, which no release may change any more.
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
    # Webhooks carry on a trace's ids; baggage may be somebody's data, and stays here.
    "OTEL_PROPAGATORS": "tracecontext",
    # Seconds; a process that ends gives up what a collector that is away does not take.
    "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
    # What monitors ask all day tells nothing.
    "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "/healthz,/readyz,/metrics",
}
MISSING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, and the packages for tracing are not installed ({module}). "
    "Type: .venv/bin/python -m pip install --require-hashes -r requirements-tracing.txt"
)


def register(app: Flask, settings: Settings) -> None:
    """Trace ``app`` when ``settings`` say so.

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
