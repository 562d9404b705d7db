"""Structured logs: JSON lines in production, readable lines locally, each with the id of its request."""

from __future__ import annotations

import json
import logging
import logging.config
import re
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, ClassVar

import msgspec
import structlog
from flask import Flask, Response, g, request

from app.kernel.log_redaction import mask_line, mask_text
from app.kernel.uuids import new_uuid

_REQUESTS = "hub.request"

REQUEST_ID_HEADER = "X-Request-Id"
#: A client's id goes into logs and answers: at most 128 characters, none that could break a line or a header.
_ACCEPTABLE_ID = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
_encoder = msgspec.json.Encoder()
#: Characters of a text in a log line, and of a traceback.
_MAX_TEXT, _MAX_TRACEBACK = 4_000, 16_000
_TRACEBACKS = frozenset({"exception", "stack"})
#: The types of nearly all values in log lines.
_PLAIN_TYPES = {str, int, float, bool, type(None)}


def configure(*, level: str, readable: bool) -> None:
    """Send all logs, also those of libraries, through one formatter to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_line,
        shorten_texts,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(readable=readable)],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"hub": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "hub"}},
            "root": {"handlers": ["stderr"], "level": level},
            # WeasyPrint writes a dozen progress lines for each PDF; the hub's own line ``pdf_made`` is enough.
            # Alembic writes a line for each of its plugins.
            "loggers": {name: {"level": "WARNING"} for name in ("weasyprint.progress", "alembic.runtime.plugins")},
        }
    )
    for frequent in FrequentLog.all:
        frequent.configure(level=level, readable=readable)


class FrequentLog:
    """A log with a line for each request, or for each attempt of a webhook.

    JSON lines go straight to standard error. The way through ``logging`` takes three times as long, and that is a
    twentieth of an import.
    """

    #: Made when modules are imported; ``configure`` of this module configures them.
    all: ClassVar[list[FrequentLog]] = []

    def __init__(self, name: str) -> None:
        self._name = name
        self.write: Any = structlog.get_logger(name).info
        self.all.append(self)

    def configure(self, *, level: str, readable: bool) -> None:
        """As ``configure`` of this module."""
        if readable:
            self.write = structlog.get_logger(self._name).info
            return
        processors: list[Any] = [
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask_line,
            shorten_texts,
            *_renderers(readable=False),
        ]
        direct = structlog.wrap_logger(
            structlog.WriteLogger(sys.stderr),
            processors=processors,
            wrapper_class=structlog.make_filtering_bound_logger(level),
            cache_logger_on_first_use=True,
        )
        self.write = direct.bind(logger=self._name).info


request_log = FrequentLog(_REQUESTS)


def _renderers(*, readable: bool) -> list[Any]:
    if readable:
        return [escape_controls, structlog.dev.ConsoleRenderer(colors=False)]
    return [structlog.processors.JSONRenderer(serializer=_json_line)]


def shorten_texts(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut long texts in the middle; a structlog processor. WeasyPrint logs the whole data URL of a broken image."""
    for name, value in line.items():
        limit = _MAX_TRACEBACK if name in _TRACEBACKS else _MAX_TEXT
        if isinstance(value, str) and len(value) > limit:
            half = limit // 2
            line[name] = f"{value[:half]} … {len(value) - 2 * half} characters … {value[-half:]}"
    return line


def escape_controls(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape what begins a line or controls a terminal; a structlog processor for readable lines."""
    for name, value in line.items():
        if isinstance(value, str) and not value.isprintable():
            kept = "\n\t" if name in _TRACEBACKS else ""
            line[name] = "".join(
                character if character in kept or character.isprintable() else repr(character)[1:-1]
                for character in value
            )
    return line


def _json_line(event: dict[str, Any], **_options: Any) -> str:
    """One line of JSON in ASCII: a request can neither forge a line nor send control sequences to a terminal.

    Values of other types are written by their ``repr``.
    """
    if all(type(value) in _PLAIN_TYPES and (type(value) is not str or value.isascii()) for value in event.values()):
        return _encoder.encode(event).decode()  # five times as fast
    return json.dumps(event, default=repr)


def register(app: Flask) -> None:
    """Give each request an id, return the id in the answer, and log one line per answer."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    given = request.headers.get(REQUEST_ID_HEADER, "")
    acceptable = _ACCEPTABLE_ID.fullmatch(given) and given == mask_text(given)
    g.request_id = given if acceptable else new_uuid().hex
    g.started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _finish(answer: Response) -> Response:
    answer.headers[REQUEST_ID_HEADER] = g.request_id
    request_log.write("request", method=request.method, path=request.path, status=answer.status_code, ms=elapsed_ms())
    return answer


def request_id() -> str | None:
    """The id of the request that caused the current work, in a web process or in a worker."""
    found: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return found


@contextmanager
def log_context(**ids: Any) -> Iterator[None]:
    """Add ``ids`` to every log line of the block; afterwards restore the previous ids."""
    before = structlog.contextvars.get_contextvars()
    structlog.contextvars.bind_contextvars(**ids)
    try:
        yield
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**before)


def elapsed_ms() -> float:
    """Milliseconds since the current request began."""
    started: float = g.started
    return round((time.perf_counter() - started) * 1000, 2)
