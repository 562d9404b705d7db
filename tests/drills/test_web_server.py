"""Drills of gunicorn: malformed requests, stalled readers, and a shutdown that does not wait for streams."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psutil
import pytest

from tests.drills.hubs import HEADERS, KEY, ROOT, STREAM, DrillHub, free_port, ready, wait_for
from tests.sse import Listener

pytestmark = [pytest.mark.drill, pytest.mark.alone]


def raw(port: int, request: bytes) -> tuple[int, dict[str, object]]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"text/html" not in head
    return int(head.split()[1]), json.loads(body)


POST = f"POST /api/sales/import/invoice/ HTTP/1.1\r\nHost: hub\r\nX-API-KEY: {KEY}\r\n".encode()
POST += b"Content-Type: application/json\r\nConnection: close\r\n"
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + (b"Accept-Language: " + b"a," * 4000 + b"\r\n") * 20 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nBad Header : 1\r\n\r\n", 400),
        (CHUNKS + b"zz\r\n{}\r\n0\r\n\r\n", 400),
        (CHUNKS + b"-1\r\n{}\r\n0\r\n\r\n", 400),
        (CHUNKS + b"2\r\n{}xx0\r\n\r\n", 400),
        (CHUNKS + b"2;=\r\n{}\r\n0\r\n\r\n", 400),
        (CHUNKS + b"2;" + b"a" * 20_000 + b"\r\n{}\r\n0\r\n\r\n", 400),
        (CHUNKS + b"2\r\n{}\r\n0\r\nBad Trailer : y\r\n\r\n", 400),
        (CHUNKS + b"2\r\n{}\r\n0\r\nX: " + b"y" * 300_000, 400),
        (CHUNKS + b"2\r\n{}\r\n0\r\nX: y\n\n", 400),
        (CHUNKS + b"99\r\n{}", 400),
        (POST + b"Content-Length: 99\r\n\r\n{}", 400),
    ],
    ids=range(15),
)
def test_malformed_http_gets_a_json_error(hub: DrillHub, request_bytes: bytes, status: int) -> None:
    answered, body = raw(hub.ports[0], request_bytes)
    assert answered == status
    assert body["message"]


@pytest.mark.parametrize("path", ["/admin/healthz", "/healthz"])
def test_no_header_changes_the_path(hub: DrillHub, path: str) -> None:
    """gunicorn takes some from a proxy on this machine, and answers 500 if the path does not begin with one."""
    status, _ = hub.get(path, headers={"SCRIPT_NAME": "/admin", "PATH_INFO": "/metrics"})
    assert status == (404 if path.startswith("/admin") else 200)


def test_shutdown_ends_streams_at_once(hub: DrillHub) -> None:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "app/operations/gunicorn.py", "wsgi:app"]
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
        for listener in listeners:
            listener.close()
    finally:
        server.kill()
        server.wait()


def test_twenty_streams_use_as_many_connections_as_one(hub: DrillHub) -> None:
    web = psutil.Process(hub.children["web"].pid)
    first = hub.listen()
    wait_for(lambda: first.comments, 5)
    before = _redis_connections(hub, web)
    listeners = [first, *(hub.listen() for _ in range(20))]
    for listener in listeners:
        wait_for(lambda listener=listener: listener.comments, 5)
    # The count of streams is exchanged beside them, each second, by a connection of its own.
    assert _redis_connections(hub, web) <= before + 2
    held = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
    wait_for(lambda: hub.sql(held) == [(0,)], 5)  # a worker may be between two statements
    for listener in listeners:
        listener.close()


def _redis_connections(hub: DrillHub, web: psutil.Process) -> int:
    redis_port = int(hub.valkey.url.rsplit(":", 1)[1].split("/")[0])
    return sum(
        bool(connection.raddr) and connection.raddr.port == redis_port
        for child in web.children()
        for connection in child.net_connections("tcp")
    )


def test_streams_leave_a_reserve_for_requests(hub: DrillHub) -> None:
    """More clients open streams than a process has places: the others get 503, and requests are answered as before."""
    places = int(hub.environment["STREAMS_PER_PROCESS"])
    with ExitStack() as stack:
        answers = [stack.enter_context(_stream(hub.ports[0])) for _ in range(places + 40)]
        statuses = Counter(answer.status for answer in answers)
        # Streams that an earlier drill left end at their next keep-alive; until then they hold places.
        assert set(statuses) == {200, 503}
        assert places - 25 <= statuses[200] <= places
        assert {answer.getheader("Retry-After") for answer in answers if answer.status == 503} == {"5"}
        taken = []
        for _ in range(40):
            started = time.monotonic()
            assert hub.get("/api/sales/invoices/", headers=HEADERS)[0] == 200
            taken.append(time.monotonic() - started)
    p95 = statistics.quantiles(taken, n=20)[-1]
    print(f"\n{statuses[200]} streams open, {statuses[503]} refused: requests p95 {p95 * 1000:.0f} ms")
    assert p95 < 1
    wait_for(lambda: _can_open(hub.ports[0]), 10)


@contextmanager
def _stream(port: int) -> Iterator[http.client.HTTPResponse]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", STREAM, headers={"X-API-KEY": KEY})
        with connection.getresponse() as answer:
            yield answer


def _can_open(port: int) -> bool:
    with _stream(port) as answer:
        return answer.status == 200
