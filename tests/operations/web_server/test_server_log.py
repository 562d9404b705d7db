"""The log of gunicorn: lines of the hub's formatter, without what a caller sent."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeader, InvalidRequestLine, LimitRequestLine

from app.operations.web_server.server_log import ServerLog

SECRET = "Aw9-a-ticket-of-a-stream"


@pytest.fixture
def log() -> Iterator[ServerLog]:
    logger = logging.getLogger("gunicorn.error")
    before = logger.handlers[:], logger.propagate, logger.level
    yield ServerLog(Config())
    logger.handlers[:], logger.propagate = before[:2]
    logger.setLevel(before[2])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InvalidRequestLine(f"GET /api/v1/stream?ticket={SECRET} x HTTP/1.1"), "Invalid HTTP request line: …"),
        (InvalidRequestLine(f"GET /don't?ticket={SECRET} x HTTP/1.1"), "Invalid HTTP request line: …"),
        (InvalidHeader(f"X-API-KEY {SECRET}"), "Invalid HTTP Header: …"),
        (LimitRequestLine(9000, 8190), "Request Line is too large (9000 > 8190)"),
    ],
)
def test_an_invalid_request_is_not_repeated(
    log: ServerLog, caplog: pytest.LogCaptureFixture, error: Exception, told: str
) -> None:
    line = f"Invalid request from ip=192.0.2.7: {error}"  # as gunicorn does
    log.warning(line)
    assert caplog.messages == [f"Invalid request from ip=192.0.2.7: {told}"]
    assert not logging.getLogger("gunicorn.error").handlers, "the handlers of the hub format and mask the lines"


def test_a_failed_request_is_named_without_its_query(log: ServerLog, caplog: pytest.LogCaptureFixture) -> None:
    try:
        int(SECRET)
    except ValueError:
        log.exception("Error handling request %s %s", "GET", f"/api/v1/stream?ticket={SECRET}")
    assert caplog.messages == ["Error handling request GET /api/v1/stream"]


def test_other_lines_are_as_gunicorn_writes_them(log: ServerLog, caplog: pytest.LogCaptureFixture) -> None:
    log.warning("Worker graceful timeout (pid:%s)", 7)
    assert caplog.messages == ["Worker graceful timeout (pid:7)"]
