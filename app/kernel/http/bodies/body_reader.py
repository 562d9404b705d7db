"""Reading of request bodies: whole, with a deadline and a least rate, before the first query of the request.

A peer that sends its body slowly holds no database connection: the body is read before the view runs. A small body is
read first of all. Before a larger one the caller is identified, in a short transaction of its own, so that only known
callers fill memory and disk.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Any

from flask import Flask, current_app, g, request

from app.config import KIB, MIB
from app.kernel.errors import BrokenBody, RequestTimeout
from app.kernel.unit_of_work import unit_of_work

#: Bytes of a body that anybody may send; a larger one must come from a known caller.
SMALL_BODY = 64 * KIB
#: Bytes of a larger body in memory; the others are in a temporary file.
MEMORY = MIB
BLOCK = 64 * KIB
#: Bytes for which a body gets one second more than the deadline.
LEAST_RATE = 16 * KIB
#: Key of the WSGI environment: a function that makes a context which raises ``TimeoutError`` after so many seconds.
TIME_LIMIT = "hub.time_limit"
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})

View = Callable[..., Any]
#: Functions that raise a refusal if the view needs a caller and there is none; ``app/factory.py`` adds one.
caller_checks: list[Callable[[View], None]] = []


def register(app: Flask) -> None:
    """Read the body of each request of ``app`` before its view."""
    app.before_request(_read_body)
    app.teardown_request(_close_body)


def allow_bulk_body(view: View) -> View:
    """Decorator: allow this operation a body of ``MAX_BULK_BYTES``."""
    view.takes_bulk_body = True  # type: ignore[attr-defined]
    return view


def _read_body() -> None:
    """Replace the socket by the whole body.

    A body that is longer than the limit is read no further than one byte behind it; who uses the body answers 413.

    Raises:
        BrokenBody: the body is cut off, or its chunks are malformed.
        RequestTimeout: the peer takes too long.
        Refusal: the body is large and the caller is unknown.
    """
    length, is_chunked = request.content_length, request.environ.get("wsgi.input_terminated", False)
    if request.method in _WITHOUT_BODY or request.routing_exception or not (length or (length is None and is_chunked)):
        return
    view = _handler()
    request.max_content_length = limit = _limit(view)
    if length is not None and length > limit:
        return
    if length is None or length > SMALL_BODY:
        with unit_of_work():
            for check in caller_checks:
                check(view)
    body = _received(request.environ, limit + 1 if length is None else length)
    if length is not None and body.seek(0, io.SEEK_END) < length:
        raise BrokenBody
    body.seek(0)
    request.environ["wsgi.input"] = g.body = body


def _close_body(_error: BaseException | None) -> None:
    if "body" in g:
        g.body.close()


def _handler() -> Any:
    """The function that answers this request; the method of a ``MethodView``, otherwise the view itself."""
    view: Any = current_app.view_functions[request.endpoint or ""]
    return getattr(view.view_class, request.method.lower(), view) if hasattr(view, "view_class") else view


def _limit(view: Any) -> int:
    config = current_app.config
    if getattr(view, "ability", None) is None:
        return min(SMALL_BODY, int(config["MAX_BODY_BYTES"]))
    limit: int = config["MAX_BULK_BYTES" if hasattr(view, "takes_bulk_body") else "MAX_BODY_BYTES"]
    return limit


def _received(environ: dict[str, Any], most: int) -> IO[bytes]:
    """At most ``most`` bytes of the body."""
    stream, received = environ["wsgi.input"], 0
    time_limit: Callable[[float], AbstractContextManager[Any]] = environ.get(TIME_LIMIT, nullcontext)
    body: Any = io.BytesIO() if most <= SMALL_BODY else tempfile.SpooledTemporaryFile(MEMORY)  # noqa: SIM115
    g.body = body  # closed at the end of the request, whatever happens
    ends = time.monotonic() + current_app.config["BODY_TIMEOUT_SECONDS"]
    while received < most:
        try:
            with time_limit(ends + received / LEAST_RATE - time.monotonic()):
                block = stream.read(min(BLOCK, most - received))
        except TimeoutError as error:
            raise RequestTimeout from error
        except OSError as error:
            raise BrokenBody from error
        if not block:
            break
        body.write(block)
        received += len(block)
    opened: IO[bytes] = body
    return opened
