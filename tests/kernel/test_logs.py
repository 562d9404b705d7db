"""Logs in production: one JSON object per line, with the id of the request and without secrets."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from app.kernel import logs

_PROGRAM = """
from app.factory import create_app

client = create_app().test_client()
client.get("/healthz", headers={"X-Request-Id": "of-the-caller"})
client.get("/api/sales/invoices/", headers={"X-Request-Id": "broken", "X-API-KEY": "wrong-key-of-somebody"})
"""
ENVIRONMENT = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "0123456789abcdef0123456789abcdef-secret",
    "DATABASE_URL": "postgresql://hub:the-password@127.0.0.1:1/hub",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "STORAGE_DIR": "/nowhere",
}


@pytest.fixture(scope="module")
def written() -> str:
    run = subprocess.run([sys.executable, "-c", _PROGRAM], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert run.stdout == ""
    return run.stderr


@pytest.fixture(scope="module")
def lines(written: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.splitlines()]


@pytest.mark.slow
def test_every_line_is_an_object_with_time_level_and_logger(lines: list[dict[str, Any]]) -> None:
    assert lines
    for line in lines:
        assert {"event", "level", "timestamp", "logger"} <= set(line)


@pytest.mark.slow
def test_a_request_is_one_line_with_its_id(lines: list[dict[str, Any]]) -> None:
    [line] = [line for line in lines if line.get("request_id") == "of-the-caller"]
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "GET", "/healthz", 200)
    assert line["ms"] >= 0


@pytest.mark.slow
def test_the_line_of_a_request_has_the_keys_of_other_lines(lines: list[dict[str, Any]]) -> None:
    other, of_request = (
        next(line for line in lines if line["event"] == event) for event in ("database_unavailable", "request")
    )
    common = {"event", "request_id", "level", "logger", "timestamp"}
    assert common <= set(other) & set(of_request)
    assert of_request["logger"] == "hub.request"
    assert set(of_request) == common | {"method", "path", "status", "ms"}


@pytest.mark.slow
def test_a_request_is_not_logged_below_the_level() -> None:
    quiet = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**ENVIRONMENT, "LOG_LEVEL": "WARNING"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {json.loads(line)["event"] for line in quiet.stderr.splitlines()} == {"database_unavailable"}


@pytest.mark.slow
def test_other_lines_of_a_request_have_its_id_too(lines: list[dict[str, Any]]) -> None:
    by_event = {line["event"]: line for line in lines if line.get("request_id") == "broken"}
    assert set(by_event) == {"database_unavailable", "request"}
    assert by_event["request"]["status"] == 503
    assert "Traceback" in by_event["database_unavailable"]["exception"]


@pytest.mark.slow
def test_no_secret_is_logged(written: str) -> None:
    for secret in ("wrong-key-of-somebody", "the-password", ENVIRONMENT["SECRET_KEY"]):
        assert secret not in written


@dataclass
class Credential:
    name: str
    secret: str = field(repr=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Şifa\u2028\x85\x9b", "Şifa\u2028\x85\x9b"),
        ("\ud800", "\ud800"),
        (Credential("erp", "hidden"), "Credential(name='erp')"),
        (Decimal("1.50"), "Decimal('1.50')"),
        (b"raw", "b'raw'"),
        (None, None),
        (["ü"], ["ü"]),
    ],
)
def test_a_line_is_ascii_and_contains_any_value(value: Any, shown: Any) -> None:
    line = logs._json_line({"event": "x", "value": value})
    assert line.isascii()
    assert json.loads(line) == {"event": "x", "value": shown}


@pytest.mark.usefixtures("app")
def test_the_progress_of_weasyprint_is_not_logged() -> None:
    assert logging.getLogger("weasyprint.progress").level == logging.WARNING


@pytest.mark.parametrize("readable", [True, False])
def test_no_text_begins_a_line_or_is_very_long(readable: bool) -> None:
    program = f"""
import logging, structlog
from app.kernel import logs
logs.configure(level="INFO", readable={readable})
forged = "a{chr(0x2028)}b{chr(0x85)}c\\n{{}}d\\r\\x1b[2Je\\x0bf"
structlog.get_logger("one").info("event", value=forged)
logging.getLogger("two").warning("said %s", forged)
logging.getLogger("three").warning("said %s", "x" * 300_000)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    lines = run.stderr.decode().splitlines()  # ends lines at U+2028 and U+0085 too
    assert len(lines) == 3, lines
    assert all(line.isprintable() for line in lines)
    assert len(lines[2]) < 5_000
    assert "characters" in lines[2]


def test_a_traceback_keeps_its_lines() -> None:
    line = logs.escape_controls(None, "", {"event": "e", "exception": "Traceback\n\tValueError: \u2028\x1b"})
    assert line["exception"] == "Traceback\n\tValueError: \\u2028\\x1b"
