"""The status line decides: whatever follows it, interim answers before it, and plain words for answers without it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from app.webhooks.sender import http_client
from tests.webhooks.fixtures import Make, attempts_of, deliveries
from tests.webhooks.receivers import Receiver

OK = b"HTTP/1.1 200 OK\r\n"


def post(receiver: Receiver, **facts: Any) -> http_client.ReceiverResponse:
    allowances = [{"cidr": "127.0.0.0/8", "port": receiver.port}]
    return http_client.post(receiver.url, b"{}", {"Content-Type": "application/json"}, allowances, **facts)


def writing(content: bytes, *, hold: float = 0.0) -> Callable[[Any], None]:
    """Write ``content`` as it is, keep the connection open for ``hold`` seconds, and close it."""

    def write(request: Any) -> None:
        request.handler.wfile.write(content)
        time.sleep(hold)

    return write


def endless(head: bytes, part: bytes, pause: float) -> Callable[[Any], None]:
    """Write ``head`` and then ``part`` again and again, until the other side closes the connection."""

    def write(request: Any) -> None:
        try:
            request.handler.wfile.write(head)
            while True:
                request.handler.wfile.write(part)
                time.sleep(pause)
        except OSError:
            return

    return write


BROKEN_BODIES = {
    "cut": OK + b"Content-Length: 1000\r\n\r\n{",
    "cut, connection: close": OK + b"Connection: close\r\nContent-Length: 1000\r\n\r\n{",
    "no body at all": OK + b"Content-Length: 1000\r\n\r\n",
    "broken chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "negative chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "cut chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\nhello",
    "chunks without an end": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "wrong length": OK + b"Content-Length: many\r\n\r\nhello",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
    "gzip that is none": OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    "header line without a colon": OK + b"nonsense\r\nContent-Length: 5\r\n\r\nhello",
    "cut headers": OK + b"Content-Le",
    "no headers": OK,
    "too many headers": OK + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n",
    "too long header": OK + b"X-Long: " + b"x" * 70_000 + b"\r\n\r\n",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 202 Accepted\r\n\r\nhello",
    "named HTTP/2": b"HTTP/2 200\r\n\r\n",
    "204 with a body": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("content", BROKEN_BODIES.values(), ids=list(BROKEN_BODIES))
def test_a_2xx_status_line_is_success_whatever_follows(start_receiver: Make, content: bytes) -> None:
    receiver = start_receiver(writing(content))
    answer = post(receiver)
    assert (answer.is_success, answer.error) == (True, None)
    time.sleep(0.05)  # until the receiver has closed the connection
    assert post(receiver).is_success  # what was left of the first answer did not reach the second request


@pytest.mark.parametrize("connection", [b"", b"Connection: close\r\n"], ids=["keep-alive", "close"])
@pytest.mark.parametrize(
    ("headers", "part", "pause"),
    [
        (b"Content-Length: 100000000\r\n\r\n", b"x", 0.02),
        (b"Content-Length: 100000000\r\n\r\n", b"x" * 65_536, 0.0),
        (b"\r\n", b"x" * 65_536, 0.0),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.02),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"0", 0.02),
        (b"Content-Length: 100000000\r\n\r\n", b"", 0.02),
    ],
    ids=["drip", "flood", "flood without length", "drip of chunks", "chunk size without an end", "silence"],
)
def test_an_endless_body_does_not_hold_the_sender(
    *, start_receiver: Make, monkeypatch: pytest.MonkeyPatch, connection: bytes, headers: bytes, part: bytes,
    pause: float,
) -> None:  # fmt: skip
    monkeypatch.setattr(http_client, "BODY_SECONDS", 0.3)
    began = time.monotonic()
    answer = post(start_receiver(endless(OK + connection + headers, part, pause)), deadline=1.0)
    assert (answer.is_success, answer.status, answer.error) == (True, 200, None)
    assert time.monotonic() - began < 2


def test_headers_that_drip_past_the_deadline_are_a_success_too(start_receiver: Make) -> None:
    began = time.monotonic()
    answer = post(start_receiver(endless(OK, b"X-A: 1\r\n", 0.05)), deadline=0.5)
    assert (answer.is_success, answer.error) == (True, None)
    assert time.monotonic() - began < 2


def test_the_part_of_a_cut_body_is_stored_and_the_delivery_is_done(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    subscribe(start_receiver(writing(OK + b"X-Trace: t-1\r\nContent-Length: 1000\r\n\r\npart")))
    create_einvoices()
    assert send() == 1
    (delivery,) = deliveries()
    assert (delivery.state, delivery.response_status, delivery.error) == ("delivered", 200, None)
    (attempt,) = attempts_of(delivery)
    assert (attempt.outcome, attempt.response_body) == ("delivered", "part")
    assert attempt.response_headers["X-Trace"] == "t-1"


@pytest.mark.parametrize(
    ("status", "state", "error"),
    [
        (b"500 Oops", "pending", "The receiver answered 500."),
        (b"410 Gone", "pending", "The receiver answered 410."),
        (b"302 Found", "pending", "The receiver answered 302; redirects are not followed."),
    ],
)
def test_a_failure_with_a_cut_body_is_told_by_its_status(  # noqa: PLR0917 - a case has three facts
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make, status: bytes, state: str, error: str
) -> None:
    subscribe(start_receiver(writing(b"HTTP/1.1 " + status + b"\r\nContent-Length: 1000\r\n\r\npart")))
    create_einvoices()
    send()
    (delivery,) = deliveries()
    assert (delivery.state, delivery.error) == (state, error)


INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103 with headers": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nContent-Length: 7\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    "199": b"HTTP/1.1 199 Misc\r\n\r\n",
    "many": b"HTTP/1.1 102 Processing\r\n\r\n" * 20,
}


@pytest.mark.parametrize("interim", INTERIM.values(), ids=list(INTERIM))
@pytest.mark.parametrize(("last", "success"), [(b"200 OK", True), (b"503 Busy", False)])
def test_interim_answers_are_skipped(start_receiver: Make, interim: bytes, last: bytes, success: bool) -> None:
    answer = post(start_receiver(writing(interim + b"HTTP/1.1 " + last + b"\r\nContent-Length: 2\r\n\r\nok")))
    assert (answer.is_success, answer.status, answer.body) == (success, int(last[:3]), "ok")
    assert answer.header("Link") is None


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "The receiver closed the connection without an answer."),
        (b"HTTP/1.1 102 Processing\r\n\r\n", "The receiver closed the connection without an answer."),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "The receiver's answer is not HTTP."),
        (b"HTTP/1.1 abc OK\r\n\r\n", "The receiver's answer is not HTTP."),
        (b"HTTP/1.1 102 Processing\r\n\r\n" * 200, "The receiver's answer is not HTTP."),
        (b"x" * 70_000, "The receiver's answer is not HTTP."),
        (b"\x16\x03\x01\x00\x05hello", "The receiver's answer is not HTTP."),
    ],
    ids=["nothing", "only interim", "ssh", "no number", "endless interim", "too long", "tls"],
)
def test_an_answer_without_a_status_line_is_told_in_plain_words(
    start_receiver: Make, content: bytes, error: str
) -> None:
    assert post(start_receiver(writing(content))).error == error


def test_an_interim_answer_without_an_end_is_stopped_at_the_deadline(start_receiver: Make) -> None:
    answer = post(start_receiver(writing(b"HTTP/1.1 102 Processing\r\n\r\n", hold=1.0)), deadline=0.3)
    assert answer.error == "No complete answer within 0.3 seconds."


def test_the_kept_request_has_every_header_as_it_was_received(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    receiver = start_receiver()
    subscribe(receiver, headers={"Authorization": "Bearer hush", "x-api-key": "k3J"})
    create_einvoices()
    send()
    (request,) = receiver.requests
    (attempt,) = attempts_of(deliveries()[0])
    kept = {name.lower(): value for name, value in attempt.request_headers.items()}
    assert {"host", "content-length", "accept", "accept-encoding", "user-agent"} <= set(kept)
    assert kept == {**request.headers, "authorization": "•••", "x-api-key": "•••"}
