"""Receivers on loopback that tests send to: what came in, and an answer that the test chooses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Given the request, a status, headers and a body; None leaves the answer to the callable, which wrote it itself.
Behaviour = Callable[["Received"], "tuple[int, dict[str, str], bytes] | None"]


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    handler: BaseHTTPRequestHandler = field(repr=False)

    def __getitem__(self, name: str) -> str:
        return self.headers[name.lower()]


def ok(_request: Received) -> tuple[int, dict[str, str], bytes]:
    return 204, {}, b""


class _Server(ThreadingHTTPServer):
    """Takes as many connections at once as a drill opens; five would wait, and the rest be turned away."""

    request_queue_size = 128


class Receiver:
    """A server on a port of its own; ``answers`` may be changed at any time."""

    def __init__(self, answers: Behaviour = ok) -> None:
        self.answers = answers
        self.requests: list[Received] = []
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hooks"
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
                if len(body) < length:  # the sender was killed in the middle: that is no request
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
                self.send_response_only(status)  # without a date: the test says what time it is
                for name, value in more.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: Any) -> None:
                """Nothing on the screen of the tests."""

        return Handler
