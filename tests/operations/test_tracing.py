"""Tracing: not imported when off, an error without its packages, and its variables."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.config import ConfigurationError, Settings
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
    """Run a program in its own process, because imported modules stay imported."""
    environment = {"PATH": os.environ["PATH"], **ENVIRONMENT, **facts}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_without_its_variable_opentelemetry_is_not_imported() -> None:
    # The Redis client imports the plain SDK by itself when it is installed.
    loaded = (
        r"[name for name in sys.modules if re.match(r'opentelemetry\.(inst|exp)|google\.protobuf|app\..*spans', name)]"
    )
    done = python(f"import re, sys, wsgi; print({loaded})")
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@pytest.mark.slow
def test_without_its_packages_the_start_prints_the_install_command() -> None:
    done = python("import sys; sys.modules['opentelemetry'] = None; import wsgi", **COLLECTOR)
    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        "Invoice Hub cannot start:",
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, and the packages for tracing are not installed (opentelemetry). "
        "Type: .venv/bin/python -m pip install --no-deps --require-hashes -r requirements-tracing.txt",
    ]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        (COLLECTOR, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, True),
        (COLLECTOR | {"OTEL_SDK_DISABLED": "True"}, False),
        (COLLECTOR | {"OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_variables_turn_tracing_on_and_off(
    variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (ENVIRONMENT | variables).items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment().tracing is expected


def test_an_unsupported_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ENVIRONMENT | COLLECTOR | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_PROTOCOL"):
        Settings.from_environment()
