"""A proxy in front of an object store that makes faults: errors, delays, lost and cut answers, other content."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.serving import serving

#: Headers that a proxy does not pass on.
_OWN = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})


class Fault(Enum):
    """What happens to a request."""

    ERROR_500 = "500"
    ERROR_503 = "503"
    #: Passed on after a long time.
    SLOW = "slow"
    #: The store does it, and the answer is lost.
    LOST_ANSWER = "lost answer"
    #: Half of the answer arrives.
    CUT_ANSWER = "cut answer"
    #: The bytes that are stored are others.
    OTHER_BYTES = "other bytes"
    #: The store tells no checksum.
    NO_CHECKSUM = "no checksum"


Choice = Callable[[str, str], Fault | None]


class FaultProxy:
    """Passes requests to a store; ``choose`` decides by method and path which of them fail, and how."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target).netloc
        self.choose: Choice = lambda _method, _path: None
        self.slow_seconds = 8.0
        #: Method, path and fault of each request.
        self.seen: list[tuple[str, str, Fault | None]] = []
        self.headers: list[dict[str, str]] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                proxy._answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        for method in ("GET", "PUT", "HEAD", "DELETE", "POST"):
            setattr(Handler, f"do_{method}", Handler.pass_on)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        fault = self.choose(handler.command, handler.path)
        with self._lock:
            self.seen.append((handler.command, handler.path, fault))
            self.headers.append(dict(handler.headers))
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        handler.close_connection = True
        if fault in {Fault.ERROR_500, Fault.ERROR_503}:
            _send(handler, int(fault.value), {}, b"<Error><Code>InternalError</Code></Error>")
            return
        if fault is Fault.SLOW:
            time.sleep(self.slow_seconds)
        if fault is Fault.OTHER_BYTES and handler.command == "PUT":
            body = bytes(255 - byte for byte in body)
        status, headers, content = self._ask(handler, body)
        if fault is Fault.NO_CHECKSUM:
            headers = {name: value for name, value in headers.items() if "checksum" not in name.lower()}
        if fault is Fault.LOST_ANSWER:
            return
        _send(handler, status, headers, content, sent=len(content) // 2 if fault is Fault.CUT_ANSWER else None)

    def _ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self._target, timeout=30)
        try:
            connection.request(handler.command, handler.path, body or None, dict(handler.headers))
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _OWN}
            if handler.command == "HEAD":
                headers["Content-Length"] = answer.getheader("Content-Length") or "0"
            return answer.status, headers, answer.read()
        finally:
            connection.close()


def _send(
    handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], content: bytes, sent: int | None = None
) -> None:
    try:
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if handler.command != "HEAD":
            handler.send_header("Content-Length", str(len(content)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(content[:sent])
    except OSError:  # the client did not wait for it
        handler.close_connection = True


@contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """Run a proxy while the context is open."""
    proxy = FaultProxy(target)
    with serving(proxy.server):
        yield proxy
