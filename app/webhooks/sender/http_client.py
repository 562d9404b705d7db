"""HTTP client: POST to a validated, pinned address; total timeout 15 s, at most 64 KiB of the response are read.

The status line decides. The body is only stored for people, so the client waits for it a short time, and a body that is
cut, endless or malformed changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from app.config import KIB
from app.kernel.outbound import ssrf
from app.kernel.outbound.connection_errors import plain_message
from app.kernel.outbound.http_connection import CONNECT_SECONDS, ActiveRequest, pinned_session
from app.kernel.worker.celery_app import HTTP_DEADLINE

MAX_READ_BYTES, MAX_STORED_BYTES = 64 * KIB, 2 * KIB
#: Seconds that the client reads the body.
BODY_SECONDS = 2.0
_MAX_HEADERS = 40
_REQUEST_ERRORS = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class ReceiverResponse:
    """Response of a receiver, or the error if there is none; ``address`` is the IP address of the connection."""

    milliseconds: int
    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: str | None = None
    error: str | None = None
    address: str | None = None
    #: All headers of the request as they were written; empty if nothing was written.
    request_headers: Mapping[str, str] | None = None

    @property
    def is_success(self) -> bool:
        return self.error is None and self.status is not None and 200 <= self.status < 300  # noqa: PLR2004

    def header(self, name: str) -> str | None:
        """Return the value of a header; upper and lower case make no difference."""
        return CaseInsensitiveDict(self.headers or {}).get(name)


def post(
    url: str,
    body: Any,
    headers: Mapping[str, str],
    allowances: ssrf.Allowances,
    *,
    ca_file: Path | None = None,
    deadline: float = HTTP_DEADLINE,
) -> ReceiverResponse:
    """POST ``body`` (bytes or an iterator of bytes); errors of the receiver or its address are in the result.

    ``ca_file`` holds further certificates of authorities that sign receivers.
    """
    started = time.monotonic()
    address: str | None = None
    active, answer = ActiveRequest(started + deadline), _AnswerParts()
    error: str | None = None
    try:
        target = ssrf.parse_target(url)
        address = ssrf.resolve_target(target, allowances)
        with active.closing_at_end():
            session = pinned_session([address], ca_file, active)
            with session.post(url, data=body, headers=dict(headers), stream=True) as response:
                answer.headers = _stored_headers(response.headers)
                _read_body(response, active, answer)
    except ssrf.AddressError as refused:
        error = str(refused)
    except _REQUEST_ERRORS as failure:
        error = plain_message(failure, CONNECT_SECONDS)
    if active.is_expired:
        error = f"No complete answer within {deadline:g} seconds."
    milliseconds = round((time.monotonic() - started) * 1000)
    if active.status is None:
        return ReceiverResponse(milliseconds, error=error, address=address, request_headers=active.sent_headers)
    return ReceiverResponse(
        milliseconds, active.status, answer.headers, answer.stored_body, None, address, active.sent_headers
    )


@dataclass(slots=True)
class _AnswerParts:
    """The parts of an answer that have arrived so far."""

    headers: Mapping[str, str] | None = None
    body: bytes = b""

    @property
    def stored_body(self) -> str:
        return self.body[:MAX_STORED_BYTES].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _read_body(response: requests.Response, request: ActiveRequest, answer: _AnswerParts) -> None:
    """Read the body for a limited time; the rest of it must not reach the next request, so the connection is closed."""
    until = time.monotonic() + BODY_SECONDS
    try:
        while len(answer.body) < MAX_READ_BYTES and (left := until - time.monotonic()) > 0 and not request.is_expired:
            request.socket.settimeout(left)
            chunk = response.raw.read1(MAX_READ_BYTES - len(answer.body), decode_content=False)
            if not chunk:
                request.socket.settimeout(HTTP_DEADLINE)
                return
            answer.body += chunk
    except _REQUEST_ERRORS:
        pass  # the status line has said whether the receiver took the event
    request.connection.close()


def _stored_headers(headers: Mapping[str, str]) -> dict[str, str]:
    stored: dict[str, str] = {}
    size = 0
    for name, value in list(headers.items())[:_MAX_HEADERS]:
        size += len(name) + len(value)
        if size > MAX_STORED_BYTES:
            size -= len(name) + len(value)  # a smaller header after it may still fit
            continue
        stored[name] = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return stored
