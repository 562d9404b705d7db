"""The stream of sales as real client libraries read it: no empty events, and nothing missed at a reconnect."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient
from httpx_sse import connect_sse
from werkzeug.serving import make_server

from app.kernel.http.app import Hub
from tests.conftest import IMPORT_KEY
from tests.serving import serving
from tests.stream.readers import SALES_STREAM, Relayed, import_sale, put_in_review, wait_until_caught_up

NODE = shutil.which("node")
SCRIPT = Path(__file__).with_name("read_stream.cjs")
#: Several keep-alives, which come every 0.2 seconds in tests.
SILENCE = 0.7

Event = dict[str, Any]


@pytest.fixture
def stream_url(app: Hub) -> Iterator[str]:
    """URL of the stream of sales on a real server."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]
    with serving(server):
        wait_until_caught_up()
        yield f"http://127.0.0.1:{server.server_port}{SALES_STREAM}"


@pytest.fixture
def set_lifetime(app: Hub, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the seconds after which a stream ends."""
    return lambda seconds: monkeypatch.setitem(app.config, "STREAM_LIFETIME_SECONDS", seconds)


class Output:
    """The lines of a running client."""

    def __init__(self) -> None:
        self.lines: queue.Queue[Event] = queue.Queue()

    def next(self) -> Event:
        return self.lines.get(timeout=20)

    def wait_for(self, name: str) -> None:
        """Skip lines until one with the key ``name``."""
        while name not in self.next():
            pass

    def next_event(self) -> Event:
        """The next dispatched event."""
        while "data" not in (line := self.next()):
            pass
        return line

    def rest(self) -> list[Event]:
        return [self.lines.get_nowait() for _ in range(self.lines.qsize())]


@contextmanager
def node_client(name: str, url: str) -> Iterator[Output]:
    """A client library of npm, in Node."""
    output = Output()
    with subprocess.Popen([NODE or "node", SCRIPT, name, url, IMPORT_KEY], stdout=subprocess.PIPE, text=True) as client:

        def read() -> None:
            for line in client.stdout or ():
                output.lines.put(json.loads(line))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield output
        finally:
            client.kill()
            reader.join()


@contextmanager
def httpx_client(url: str) -> Iterator[Output]:
    """``httpx-sse``, in a thread that ends with its stream."""
    output, ended = Output(), threading.Event()

    def read() -> None:
        with connect_sse(http, "GET", url, headers={"X-API-KEY": IMPORT_KEY}) as source:
            output.lines.put({"open": True})
            for event in source.iter_sse():
                output.lines.put({"id": event.id, "event": event.event, "data": event.data})
                if ended.is_set():
                    return

    with httpx.Client(timeout=20) as http:
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        yield output
        ended.set()
        reader.join(timeout=30)  # the lifetime of a stream in tests


NODE_CLIENTS = ["eventsource", "event-source-polyfill", "fetch-event-source"]
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")


@pytest.mark.parametrize("client", ["httpx-sse", *(pytest.param(name, marks=needs_node) for name in NODE_CLIENTS)])
def test_keep_alives_dispatch_no_events(
    stream_url: str, erp: FlaskClient, relayed: Relayed, set_lifetime: Callable[[float], None], client: str
) -> None:
    set_lifetime(6)
    opened = httpx_client(stream_url) if client == "httpx-sse" else node_client(client, stream_url)
    with opened as output:
        output.wait_for("open")
        time.sleep(SILENCE)
        import_sale(erp, "S-1")
        relayed()
        first = output.next()
        assert json.loads(first["data"])["invoice_no"] == "S-1"
        assert first["id"] == "1"
        time.sleep(SILENCE)
        put_in_review("S-1")
        relayed()
        short, full = output.next(), output.next()
        assert (short["event"], json.loads(short["data"])["type"]) == ("invoice_review", "invoice_review")
        assert json.loads(full["data"])["invoice_no"] == "S-1"
        time.sleep(SILENCE)
        assert output.rest() == []


@needs_node
@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_a_client_that_reconnects_misses_nothing(
    stream_url: str, erp: FlaskClient, relayed: Relayed, set_lifetime: Callable[[float], None], client: str
) -> None:
    set_lifetime(1)
    with node_client(client, stream_url) as output:
        output.wait_for("open")
        import_sale(erp, "S-1")
        relayed()
        numbers = [json.loads(output.next_event()["data"])["invoice_no"]]
        time.sleep(1.5)  # the stream has ended, and the client waits for two seconds
        import_sale(erp, "S-2")
        relayed()
        output.wait_for("open")
        import_sale(erp, "S-3")
        relayed()
        numbers += [json.loads(output.next_event()["data"])["invoice_no"] for _ in range(2)]
        assert numbers == ["S-1", "S-2", "S-3"]
