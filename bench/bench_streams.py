"""Benchmark: thousands of open streams: the time until each has an event, requests beside them, and their memory."""

from __future__ import annotations

import http.client
import json
import re
import resource
import statistics
import threading
import time
import urllib.request

import psutil
import psycopg

from app.sales.samples import PAYLOAD
from bench.bench_webhooks import in_hub
from bench.figures import print_figure
from bench.hub import KEY, RunningHub, running_hub
from bench.stream_readers import Arrivals, stream_readers

USERS, TOKENS_PER_USER, STREAMS_PER_TOKEN = 20, 4, 50
STREAMS = USERS * TOKENS_PER_USER * STREAMS_PER_TOKEN
TURNS, SECONDS = 3, 20
#: Connections that read an invoice at a steady rate, and the reads of each in a second.
CALLERS, READS_PER_SECOND = 4, 10
#: Seconds until the hub has noticed what was opened or closed.
SETTLE_SECONDS = 20.0
FILES = 2 * STREAMS + 2000


def run() -> None:
    """Print the time to the streams, the ratio of the API with and without them, and the memory of a stream."""
    _allow_files()
    changes = {"STREAMS_PER_PROCESS": str(STREAMS), "STREAM_LIFETIME_SECONDS": "3600"}
    with running_hub(changes) as hub, stream_readers(hub.port) as readers:
        tokens = in_hub(hub, "make", str(USERS), str(TOKENS_PER_USER), module="bench.stream_tokens")
        everybody = [token for token in tokens for _ in range(STREAMS_PER_TOKEN)]
        turns = [_Turn(hub) for _ in range(2 * TURNS + 1)]
        readers.open(tokens)
        turns[0].run()  # warm
        readers.close()
        _until_all_have_ended(hub)
        before, memory = _memory(hub), []
        streams, ratios, arrived = [], [], []
        for number in range(TURNS):
            without, beside = turns[1 + 2 * number : 3 + 2 * number]
            without.run()
            readers.open(everybody)
            memory.append((_memory(hub) - before) / STREAMS / 1024)
            readers.take()
            beside.run()
            arrived.append(readers.take())
            streams.append(beside.lags(arrived[-1]))
            ratios.append(_p95(beside.reads) / _p95(without.reads))
            readers.close()
            _until_all_have_ended(hub)
    _print(streams, ratios, memory, arrived)


def _print(streams: list[list[float]], ratios: list[float], memory: list[float], arrived: list[Arrivals]) -> None:
    print(f"\n{STREAMS} streams in two web processes, one event a second, {TURNS} × {SECONDS} s")
    print_figure("from an import to the streams, p50 in ms", [_cut(each, 9) for each in streams], "{:.0f}")
    print_figure("from an import to the streams, p95 in ms", [_p95(each) for each in streams], "{:.0f}", "at most 150")
    expected = STREAMS * SECONDS
    print_figure("frames that arrived / expected", [len(each) / expected for each in streams], "{:.4f}", "1")
    print_figure("p95 of reads of an invoice, with the streams / without", ratios, aim="at most 2")
    print_figure("memory of a stream, KiB of PSS", memory, "{:.1f}", "at most 40")
    shares = [each.cpu_seconds / SECONDS for each in arrived]
    print_figure("the readers themselves, cores", shares)


def _allow_files() -> None:
    """Let this process and its children open a file for each stream."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if most == resource.RLIM_INFINITY else min(FILES, most), most))


class _Turn:
    """One import a second, and reads of an invoice beside it."""

    def __init__(self, hub: RunningHub) -> None:
        self._hub = hub
        self.reads: list[float] = []
        self._sent: dict[int, float] = {}

    def run(self) -> None:
        """Take ``SECONDS``."""
        invoice_id = _import(self._hub)
        ends = time.monotonic() + SECONDS
        callers = [threading.Thread(target=self._read, args=(invoice_id, ends)) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        for _ in range(SECONDS):
            sent = time.monotonic()
            self._sent[_import(self._hub)] = sent
            time.sleep(max(0.0, sent + 1 - time.monotonic()))
        for caller in callers:
            caller.join()

    def lags(self, arrived: Arrivals) -> list[float]:
        """Milliseconds from the sending of an import until its frame arrived, for each stream."""
        with psycopg.connect(self._hub.database_url) as database:
            query = "SELECT position, subject_id FROM events WHERE subject_id = ANY(%s) AND type = 'sales.imported'"
            moments = {position: self._sent[number] for position, number in database.execute(query, [[*self._sent]])}
        return [(at - moments[position]) * 1000 for position, at in arrived.frames if position in moments]

    def _read(self, invoice_id: int, ends: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._hub.port, timeout=60)
        due = time.monotonic()
        while due < ends:
            time.sleep(max(0.0, due - time.monotonic()))
            began = time.monotonic()
            connection.request("GET", f"/api/sales/invoices/{invoice_id}/", headers={"X-API-KEY": KEY})
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(answer.status)
            self.reads.append((time.monotonic() - began) * 1000)
            due += 1 / READS_PER_SECOND
        connection.close()


def _import(hub: RunningHub) -> int:
    """Import an invoice on a connection of its own; its id."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60)
    body = json.dumps({**PAYLOAD, "invoice_no": f"STREAM-{time.monotonic_ns()}"})
    connection.request(
        "POST", "/api/sales/import/invoice/", body, {"X-API-KEY": KEY, "Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != http.HTTPStatus.CREATED:
        raise RuntimeError(content.decode())
    return int(json.loads(content)["data"]["id"])


def _until_all_have_ended(hub: RunningHub) -> None:
    """Wait until the web processes know that the readers are gone: they notice it when they write."""
    ends = time.monotonic() + SETTLE_SECONDS
    while _open_streams(hub):
        if time.monotonic() > ends:
            raise RuntimeError("The streams do not end.")
        _import(hub)
        time.sleep(0.5)


def _open_streams(hub: RunningHub) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{hub.port}/metrics", timeout=60) as answer:
        found = re.search(rb"^hub_stream_clients (\S+)$", answer.read(), re.MULTILINE)
    return int(float(found[1])) if found else 0


def _memory(hub: RunningHub) -> int:
    """Bytes of all web processes; what they share with their master is counted in proportion."""
    return sum(process.memory_full_info().pss for process in psutil.Process(hub.pids["web"]).children())


def _p95(values: list[float]) -> float:
    return _cut(values, 18)


def _cut(values: list[float], number: int) -> float:
    return statistics.quantiles(values, n=20)[number]
