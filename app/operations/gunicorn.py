"""gunicorn settings: gevent workers, JSON errors for invalid HTTP, end of streams at shutdown.

This file also creates the folder of the multiprocess metrics, and sends the heartbeat of each web process.

The master loads the application, and forks the web processes. So gevent patches the standard library here, before
anything else is imported. The master waits for signals and for its processes by the system's own functions.
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

import gevent
from gevent import monkey
from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser

monkey.patch_all(os=False, signal=False)

from app.operations.web_server.peers import WAITING_CONNECTIONS  # noqa: E402
from app.operations.web_server.worker import HubRequest, HubResponse, allow_files  # noqa: E402
from app.process_numbers import PORTS, PROCESSES, STREAMS, read_number  # noqa: E402
from app.processes import HOLD_VARIABLE  # noqa: E402

#: prometheus_client reads this variable at import, so it must be set before the application is imported.
_METRICS = "PROMETHEUS_MULTIPROC_DIR"
_own_metrics = None if os.environ.get(_METRICS) else tempfile.mkdtemp(prefix="hub-metrics-")
if _own_metrics:
    os.environ[_METRICS] = _own_metrics

_host = os.environ.get("HOST", "127.0.0.1")
bind = f"{f'[{_host}]' if ':' in _host else _host}:{read_number('PORT', 8000, PORTS)}"
#: Off: all hubs of a user would share the path of the control socket in the home folder.
control_socket_disable = True
workers = read_number("WEB_CONCURRENCY", 2, PROCESSES)
#: The application is loaded once, and its memory is shared by the web processes.
preload_app = True
worker_class = "app.operations.web_server.worker.HubWorker"
_streams = read_number("STREAMS_PER_PROCESS", 1500, STREAMS)
#: Streams never take the last connections of a process: requests have a reserve, also while all streams open at once.
#: Connections that wait for their peers come on top; the worker closes the oldest of them.
worker_connections = _streams + 500 + WAITING_CONNECTIONS
#: Files that are no connections of clients: of the database, Redis, metrics, logs, modules, and packages of e-invoices.
OTHER_FILES = 1000
#: An open stream has left the connections above.
allow_files(worker_connections + _streams + OTHER_FILES)
graceful_timeout = 4
timeout = 60
keepalive = 30
loglevel = "warning"
logger_class = "app.operations.web_server.server_log.ServerLog"
limit_request_line = 8190
#: No header changes the path: a proxy that passes such headers on would check another path than the hub answers.
forwarder_headers = ""
#: A worker is replaced after this many requests, in case it leaks memory; the jitter spreads the restarts.
max_requests = 200_000
max_requests_jitter = 20_000


def on_starting(server: Any) -> None:
    """Let the master wait for signals without gevent."""
    server.SIG_QUEUE = monkey.get_original("queue", "SimpleQueue")()


def when_ready(server: Any) -> None:
    """Make what all web processes share; then wait until the launcher has prepared the database."""
    # Imported here, because the numbers above are checked before the application is loaded.
    from app.operations.api_docs import openapi_document  # noqa: PLC0415

    openapi_document(server.app.wsgi())
    gc.collect()
    gc.freeze()
    if os.environ.pop(HOLD_VARIABLE, None):
        os.read(0, 1)


def post_fork(_server: Any, _worker: Any) -> None:
    """Give the new process an event loop of its own."""
    gevent.reinit()


def _write_json_error(connection: socket.socket, status: int, reason: str, _details: str) -> None:
    """Answer a request that is not valid HTTP with JSON; gunicorn would answer with an HTML page."""
    body = f'{{"message":"{reason}"}}'
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    head += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
    util.write_nonblock(connection, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("latin1"))


util.write_error = _write_json_error
wsgi.Response = HubResponse
RequestParser.mesg_class = HubRequest


def post_worker_init(worker: Any) -> None:
    """Tune the garbage collector, start the heartbeat, and end the streams when the worker gets SIGTERM."""
    # As in ``wsgi``, for objects that were created since. Fewer collections make an import about 5 % faster.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)

    # Imported here, because the numbers above are checked before the application is loaded.
    from app.extensions import db  # noqa: PLC0415
    from app.kernel.database.idle_limit import WEB_SECONDS, limit_idle_transactions  # noqa: PLC0415
    from app.kernel.worker.heartbeat import INTERVAL, Heartbeat  # noqa: PLC0415
    from app.stream.broadcaster import broadcaster  # noqa: PLC0415

    with worker.wsgi_application.app_context():
        for engine in db.engines.values():
            limit_idle_transactions(engine, WEB_SECONDS)
    worker.heartbeat = Heartbeat("web")

    def send_heartbeats() -> None:
        while True:
            worker.heartbeat.note()
            time.sleep(INTERVAL)

    threading.Thread(target=send_heartbeats, name="heartbeat", daemon=True).start()

    worker.end_streams = broadcaster.close
    stop = signal.getsignal(signal.SIGTERM)

    def end_streams(signum: int, frame: FrameType | None) -> None:
        # Not in the handler, which may interrupt the writing of a frame.
        gevent.spawn(broadcaster.close)
        if callable(stop):
            stop(signum, frame)

    signal.signal(signal.SIGTERM, end_streams)


def worker_exit(_server: Any, worker: Any) -> None:
    """Remove the heartbeat of a worker that exits cleanly."""
    if hasattr(worker, "heartbeat"):
        worker.heartbeat.leave()


def on_exit(_server: Any) -> None:
    """Delete the metrics folder if this master created it."""
    if _own_metrics:
        shutil.rmtree(_own_metrics, ignore_errors=True)
