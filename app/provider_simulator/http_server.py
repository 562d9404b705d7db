"""The HTTP server of the simulator: threads on loopback, a bound on open requests, an orderly stop."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler

from app.provider_simulator.application import create_application
from app.provider_simulator.report_sender import ReportSender
from app.provider_simulator.simulator_state import Simulator

#: Requests that may be open at the same time; further ones get 503 at once.
MAX_OPEN = 200
#: Seconds after which a stop is noticed.
_POLL = 0.05


class _Handler(WSGIRequestHandler):
    timeout = 30.0  # of a client that sends nothing

    def log(self, *_args: Any) -> None:
        """Write no line for each request: the page shows what became of them."""


class _Bounded:
    """Refuses requests above ``MAX_OPEN``."""

    def __init__(self, application: Any) -> None:
        self._application, self._places = application, threading.BoundedSemaphore(MAX_OPEN)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not self._places.acquire(blocking=False):
            start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Retry-After", "1")])
            return [b"Too many open requests.\n"]
        try:
            content: Iterable[bytes] = self._application(environ, start_response)
            return content
        finally:
            self._places.release()


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    allow_reuse_address = True


def make_server(simulator: Simulator, host: str, port: int) -> BaseWSGIServer:
    """Bind a server to an address of loopback; port 0 takes a free one.

    Raises:
        OSError: the port is in use.
    """
    # werkzeug ends the process when it cannot bind, so the socket is bound here.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=128) as bound:
        application = _Bounded(create_application(simulator))
        return _Server(host, bound.getsockname()[1], application, handler=_Handler, fd=bound.fileno())


@contextmanager
def running(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread while the block runs; yields the address of the server.

    Raises:
        OSError: the port is in use.
    """
    server = make_server(simulator, host, port)
    reports = ReportSender(simulator.store, instance_of(simulator))
    thread = threading.Thread(target=server.serve_forever, args=(_POLL,), name="provider-simulator", daemon=True)
    thread.start()
    reports.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.port}"
    finally:
        simulator.ended.set()  # requests that wait end at once
        server.shutdown()
        thread.join()
        server.server_close()
        reports.stop()


def instance_of(simulator: Simulator) -> str:
    """A name of this list, so that its reports have ids of their own for ever."""
    name: str = simulator.store.setting("instance", "") or uuid4().hex
    simulator.store.set_setting("instance", name)
    return name
