"""gunicorn's settings: gevent workers, JSON even for requests that are no HTTP, streams that end on shutdown.

Here too: the folder in which processes count for the metrics, and the word of each web process that it is there.

gunicorn runs this file by itself, before gevent patches the standard library: it must not import the application.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from types import FrameType
from typing import Any

from gunicorn import util

#: Prometheus' client looks for it when it is first loaded, so it must be known before the application is.
_METRICS = "PROMETHEUS_MULTIPROC_DIR"
_own_metrics = None if os.environ.get(_METRICS) else tempfile.mkdtemp(prefix="hub-metrics-")
if _own_metrics:
    os.environ[_METRICS] = _own_metrics

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
    """Spare the collector what stays anyway, be present, and end the streams as soon as the worker is told to stop."""
    # As in ``wsgi``, for what was loaded since; looking less often spares a twentieth of an import's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)

    # Only now that gevent has patched the standard library.
    from app.kernel.worker.heartbeat import INTERVAL, Heartbeat  # noqa: PLC0415
    from app.stream.broadcaster import broadcaster  # noqa: PLC0415

    worker.presence = Heartbeat("web")

    def be_present() -> None:
        while True:
            worker.presence.note()
            time.sleep(INTERVAL)

    threading.Thread(target=be_present, name="presence", daemon=True).start()

    stop = signal.getsignal(signal.SIGTERM)

    def end_streams(signum: int, frame: FrameType | None) -> None:
        broadcaster.close()
        if callable(stop):
            stop(signum, frame)

    signal.signal(signal.SIGTERM, end_streams)


def worker_exit(_server: Any, worker: Any) -> None:
    """A worker that ends in order is not missed."""
    if hasattr(worker, "presence"):
        worker.presence.leave()


def on_exit(_server: Any) -> None:
    """The folder goes with the master that made it."""
    if _own_metrics:
        shutil.rmtree(_own_metrics, ignore_errors=True)
