"""A provider on loopback that stores e-invoices by their key; tests choose what becomes of each request."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.serving import serving

#: What becomes of a POST: it is stored and answered; it is stored, and the answer is cut; the connection is cut before
#: it is stored; it is stored, and half of the answer is sent.
ANSWER, CUT, DROP, HALF = "answer", "cut", "drop", "half"


class StoringProvider(ThreadingHTTPServer):
    """POST stores an e-invoice by its key; GET answers the stored one, or 404.

    Attributes:
        stored: number of the e-invoice by key.
        received: POSTs by key; a provider without a memory would have each of them.
        bodies: of all POSTs.
        refuses_taken: whether a number that is stored under another key gets 409.
        decide: chooses what becomes of the next POST.
        lookup_code: status of all answers to GET, instead of 200 and 404.
        refusal_code: status of all answers to POST; nothing is stored then.
        missing: what the body of a 404 says.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stored: dict[str, str] = {}
        self.received: Counter[str] = Counter()
        self.refuses_taken = False
        self.bodies: list[dict[str, Any]] = []
        self.looked_up: Counter[str] = Counter()
        self.decide: Callable[[], str] = lambda: ANSWER
        self.provider_status = "accepted"
        self.lookup_code: int | None = None
        self.refusal_code: int | None = None
        self.missing: dict[str, Any] = {"found": False}
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_args: Any) -> None:
        """Print nothing when a client is gone."""


class _Handler(BaseHTTPRequestHandler):
    server: StoringProvider

    def do_POST(self) -> None:
        """Store an e-invoice."""
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.refusal_code is not None:
            self.server.received[self.headers["Idempotency-Key"]] += 1
            self._answer(self.server.refusal_code, "")
            return
        key = self.headers["Idempotency-Key"]
        with self.server.lock:
            action = self.server.decide()
            self.server.received[key] += 1
            self.server.bodies.append(content)
            number = content["einvoice"]["invoice_no"]
            is_taken = (
                self.server.refuses_taken
                and number in self.server.stored.values()
                and self.server.stored.get(key) != number
            )
            if action != DROP and not is_taken:
                self.server.stored[key] = number
        if action == ANSWER:
            self._answer(409 if is_taken else 200, key)
        elif action == HALF:
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b'{"provider_status": "acc')
        self._cut()

    def do_GET(self) -> None:
        """Answer a look-up."""
        query = parse_qs(urlsplit(self.path).query)
        [key], [number] = query["key"], query["invoice_no"]
        self.server.looked_up[key] += 1
        is_stored = self.server.stored.get(key) == number
        code = self.server.lookup_code or (200 if is_stored else 404)
        self._answer(code, key, **self.server.missing if code == 404 else {})

    def _answer(self, code: int, key: str, **facts: Any) -> None:
        body = {"provider_status": self.server.provider_status, "provider_invoice_id": f"P-{key}", **facts}
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _cut(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, *_args: Any) -> None:
        """Write no log lines into the output of the tests."""


@contextmanager
def running_store() -> Iterator[StoringProvider]:
    """A running provider on a free port of loopback."""
    server = StoringProvider()
    with serving(server):
        yield server
