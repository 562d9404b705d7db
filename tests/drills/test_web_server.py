"""Drills of gunicorn: requests that are no HTTP, readers that stall, and a stop that does not wait for streams."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time

import psutil
import pytest

from tests.drills.hubs import HEADERS, ROOT, DrillHub, wait_for
from tests.drills.hubs import _free_port as free_port
from tests.drills.hubs import _ready as ready
from tests.sse import Listener

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("drills")]


def raw(port: int, request: bytes) -> tuple[int, dict[str, object]]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"text/html" not in head
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nBad Header : 1\r\n\r\n", 400),
    ],
)
def test_broken_http_is_refused_in_json(hub: DrillHub, request_bytes: bytes, status: int) -> None:
    answered, body = raw(hub.ports[0], request_bytes)
    assert answered == status
    assert body["message"]


def test_a_stop_ends_streams_at_once(hub: DrillHub) -> None:
    port = free_port()
    command = ["python", "-m", "gunicorn", "-c", "app/operations/gunicorn.py", "wsgi:app"]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**hub.environment, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(lambda: ready(port), 60)
        listeners = [Listener(port, "/api/sales/sse/invoices/", HEADERS) for _ in range(3)]
        for listener in listeners:
            wait_for(lambda listener=listener: listener.comments, 5)
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        for listener in listeners:
            assert listener.frames.get(timeout=5) is None
        assert server.wait(10) == 0
        assert time.monotonic() - started < 5
    finally:
        server.kill()
        server.wait()


def test_idle_streams_share_one_redis_connection_and_hold_no_database_connection(hub: DrillHub) -> None:
    listeners = [hub.listen() for _ in range(20)]
    for listener in listeners:
        wait_for(lambda listener=listener: listener.comments, 5)
    listening = hub.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'")
    assert listening == [(0,)]
    redis_port = int(hub.valkey.url.rsplit(":", 1)[1].split("/")[0])
    web = next(p for p in psutil.process_iter(["cmdline"]) if _serves(p, hub.ports[0]))
    connections = [
        connection
        for child in web.children()
        for connection in child.net_connections("tcp")
        if connection.raddr and connection.raddr.port == redis_port
    ]
    # The reader of the streams, the nudges, and the client that answers readiness.
    assert len(connections) <= 3
    for listener in listeners:
        listener.close()


def _serves(process: psutil.Process, port: int) -> bool:
    try:
        return (
            "gunicorn" in " ".join(process.cmdline())
            and process.environ().get("PORT") == str(port)
            and (process.ppid() == os.getpid())
        )
    except psutil.Error:
        return False
