"""Drills of the connections of streams: readers that read nothing, old clients, keep-alives, and clean ends."""

from __future__ import annotations

import itertools
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse

import psutil
import pytest

from tests.drills.hubs import HEADERS, KEY, STREAM, DrillHub, drill_hub, wait_for
from tests.factories import a_sale, an_item

pytestmark = [pytest.mark.drill, pytest.mark.alone]
_IDS = re.compile(rb"^id: (\d+)$", re.MULTILINE)


@contextmanager
def stream(hub: DrillHub, *, receive_buffer: int | None = None) -> Iterator[HTTPResponse]:
    """An open stream that nobody reads yet."""
    connection = HTTPConnection("127.0.0.1", hub.ports[0], timeout=60)
    connection.sock = socket.socket()
    if receive_buffer:
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.sock.settimeout(60)
    connection.sock.connect(("127.0.0.1", hub.ports[0]))
    connection.request("GET", STREAM, headers=HEADERS)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.readline() == b"retry: 2000\n"
    assert answer.readline() == b": keep-alive\n"
    yield answer
    answer.close()
    connection.close()


def import_large(hub: DrillHub) -> str:
    sale = a_sale(items=[an_item(name="A long name of an item " * 8) for _ in range(100)])
    assert hub.post("/api/sales/import/invoice/", sale)[0] == 201
    return str(sale["invoice_no"])


def metric(hub: DrillHub, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", hub.get("/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else 0.0


def import_many(hub: DrillHub, count: int, *, items: int) -> list[str]:
    """Import invoices in one request: faster than a deadline ends a reader that reads nothing."""
    sales = [a_sale(items=[an_item(name="A long name of an item " * 8) for _ in range(items)]) for _ in range(count)]
    status, answer = hub.post("/api/sales/import/invoices/", sales)
    assert (status, answer["data"]["imported"]) == (200, count), answer
    return [str(sale["invoice_no"]) for sale in sales]


def test_a_reader_that_reads_nothing_delays_no_other_and_is_ended_without_a_gap(hub: DrillHub) -> None:
    dropped = metric(hub, "hub_stream_dropped_total")
    with stream(hub, receive_buffer=4096) as slow, closing(hub.listen()) as quick:
        wait_for(lambda: quick.comments, 5)
        # The first ones fill the buffers of the system.
        for count, items in ((60, 300), (100, 1), (100, 1), (100, 1)):
            numbers = import_many(hub, count, items=items)
            assert [quick.next().json["invoice_no"] for _ in numbers] == numbers
        assert metric(hub, "hub_stream_dropped_total") > dropped  # streams that earlier tests left may end too
        number = import_large(hub)
        answered = time.monotonic()
        frame = quick.next()
        assert frame.json["invoice_no"] == number
        assert frame.at - answered < 1
        ids = [int(position) for position in _IDS.findall(slow.read())]  # fails without the end of the answer
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert 60 < len(ids) < 360


def test_a_client_of_http_1_0_gets_the_frames_as_they_are(hub: DrillHub) -> None:
    with socket.create_connection(("127.0.0.1", hub.ports[0]), timeout=20) as client:
        client.sendall(f"GET {STREAM} HTTP/1.0\r\nX-API-KEY: {KEY}\r\n\r\n".encode())
        received = b""
        while b": keep-alive\n" not in received:
            received += client.recv(65536)
        number = import_large(hub)
        while not received.endswith(b"\n\n"):
            received += client.recv(65536)
    frame = received.partition(b"\r\n\r\n")[2].removeprefix(b"retry: 2000\n").replace(b": keep-alive\n", b"")
    assert re.fullmatch(rb"id: \d+\ndata: \{.*\}\n\n", frame)
    assert number.encode() in frame


def test_streams_end_with_their_last_chunk_when_their_process_ends(hub: DrillHub) -> None:
    with stream(hub) as first, stream(hub) as second:
        [process] = psutil.Process(hub.children["web"].pid).children()
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        for answer in (first, second):
            assert set(answer.read().splitlines()) <= {b": keep-alive"}  # fails without the end of the answer
        assert time.monotonic() - began < 2
        process.wait(10)
    wait_for(lambda: hub.get("/readyz")[0] == 200, 20)


def test_a_stream_is_kept_alive_while_redis_is_away_and_ends_after_its_lifetime() -> None:
    with drill_hub(webs=1, STREAM_LIFETIME_SECONDS="8") as hub, stream(hub) as answer:
        began = time.monotonic()
        hub.stop_redis()
        moments = []
        while line := answer.readline():
            assert line == b": keep-alive\n"
            moments.append(time.monotonic() - began)
        lived = time.monotonic() - began
        hub.start_redis()
    assert 6 < lived < 10
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert len(moments) >= 6
    assert max(pauses) < 2.5
