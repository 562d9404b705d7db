"""HTTP receivers on loopback for tests: they store requests and answer as the test defines."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Returns status, headers and body for a request; None if it has written the response itself.
Behaviour = Callable[["Received"], "tuple[int, dict[str, str], bytes] | None"]


@dataclass(frozen=True)
class Received:
    """One received request."""

    path: str
    headers: dict[str, str]
    body: bytes
    handler: BaseHTTPRequestHandler = field(repr=False)

    def __getitem__(self, name: str) -> str:
        return self.headers[name.lower()]


def ok(_request: Received) -> tuple[int, dict[str, str], bytes]:
    return 204, {}, b""


def answering(status: int = 503, **headers: str) -> Callable[[Received], tuple[int, dict[str, str], bytes]]:
    """Behaviour that always answers with a status and headers; an underscore in a header name becomes a hyphen."""
    return lambda _request: (status, {name.replace("_", "-"): value for name, value in headers.items()}, b"not now")


class _Server(ThreadingHTTPServer):
    """A server for as many simultaneous connections as a drill opens; the default queue holds five."""

    request_queue_size = 128

    def handle_error(self, *_args: Any) -> None:
        """Print nothing: clients that cut a connection or refuse a certificate belong to the tests."""


class Receiver:
    """A server on its own port; ``answers`` may be changed at any time."""

    def __init__(self, answers: Behaviour = ok, tls: ssl.SSLContext | None = None) -> None:
        self.answers = answers
        self.requests: list[Received] = []
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/hooks"
        if tls is not None:  # the handshake runs in the thread of the connection
            plain = self._server.socket
            self._server.socket = tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:  # the sender was killed while it sent: ignore the partial request
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                received = Received(self.path, headers, body, self)
                receiver.requests.append(received)
                answer = receiver.answers(received)
                if answer is None:
                    self.close_connection = True
                    return
                status, more, content = answer
                self.send_response_only(status)  # no Date header: the test controls the time
                for name, value in more.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: Any) -> None:
                """Write no log."""

        return Handler
