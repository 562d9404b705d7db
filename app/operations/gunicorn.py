"""gunicorn's settings: gevent workers, JSON even for requests that are no HTTP, streams that end on shutdown.

gunicorn runs this file by itself, before gevent patches the standard library: it must not import the application.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
from types import FrameType
from typing import Any

from gunicorn import util

_host = os.environ.get("HOST", "127.0.0.1")
bind = f"{f'[{_host}]' if ':' in _host else _host}:{os.environ.get('PORT', '8000')}"
#: Its one path below the home folder would be shared by all hubs of a user.
control_socket_disable = True
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gevent"
worker_connections = 2000
graceful_timeout = 4
timeout = 60
keepalive = 30
loglevel = "warning"
limit_request_line = 8190
#: A worker that leaks is replaced long before it hurts; the jitter keeps all from going at once.
max_requests = 200_000
max_requests_jitter = 20_000


def _write_json_error(connection: socket.socket, status: int, reason: str, _details: str) -> None:
    """Refuse what could not be parsed as HTTP; gunicorn's own answer would be an HTML page."""
    body = f'{{"message":"{reason}"}}'
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    util.write_nonblock(connection, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("latin1"))


util.write_error = _write_json_error


def post_worker_init(worker: Any) -> None:
    """Spare the collector what stays anyway, and end the streams as soon as the worker is told to stop."""
    # All that was loaded is looked through again and again otherwise: a twentieth of an import's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)

    from app.stream.hub import hub  # noqa: PLC0415 - only now that gevent has patched the standard library

    stop = signal.getsignal(signal.SIGTERM)

    def end_streams(signum: int, frame: FrameType | None) -> None:
        hub.close()
        if callable(stop):
            stop(signum, frame)

    signal.signal(signal.SIGTERM, end_streams)
