"""Benchmark: bulk import compared with single import, both over HTTP in one run."""

from __future__ import annotations

import functools
import http.client
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil

from app.sales.samples import PAYLOAD
from bench.bench_import import CONNECTIONS, over_http
from bench.figures import print_figure
from bench.hub import KEY, RunningHub, running_hub
from bench.load import measure

INVOICES, ROUNDS, SECONDS, WARM_UP = 10_000, 5, 4.0, 1.0


def run() -> None:
    """Print invoices per second of single imports and of bulk requests, in alternation, and the ratios.

    The ratio for one client each is the gain of an ERP. With eight connections single imports reach their maximum on a
    machine with two cores.
    """
    turns = []
    with running_hub() as hub:
        single = functools.partial(measure, functools.partial(over_http, hub.port), seconds=SECONDS, warm_up=WARM_UP)
        memory = _most_memory(lambda: _bulk(hub, 0, INVOICES))
        for number in range(1, ROUNDS + 1):
            # In alternation, so that other load of the machine affects all of them.
            one = single(connections=1, first=number * 100_000_000).per_second
            many = single(connections=CONNECTIONS, first=number * 100_000_000 + 50_000_000).per_second
            turns.append((one, many, _bulk(hub, number, INVOICES)))
    print(f"\nBulk import of {INVOICES} invoices of two items against single imports, durable commits; per second")
    print(f"{'':<8}{'single, 1 connection':>22}{f'{CONNECTIONS} connections':>16}{'bulk, 1 connection':>20}")
    for number, (one, many, bulk) in enumerate(turns, 1):
        print(f"turn {number:<3}{one:>22.0f}{many:>16.0f}{bulk:>20.0f}")
    by_one, by_many = ([turn[2] / turn[place] for turn in turns] for place in (0, 1))
    print_figure("bulk / single, one client each", by_one, "{:.1f}", "at least 10")
    print_figure(f"bulk, one client / single, {CONNECTIONS} connections", by_many, "{:.1f}")
    print_figure(f"memory of a bulk of {INVOICES:,} invoices, MiB", memory, "{:.0f}", "at most 64")


def _most_memory(work: Callable[[], object]) -> float:
    """How much more memory the web processes have during ``work`` than before, MiB."""
    web = [
        child for child in psutil.Process().children(recursive=True) if "gunicorn: worker" in " ".join(child.cmdline())
    ]
    before = most = _resident(web)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        while not running.done():
            most = max(most, _resident(web))
            time.sleep(0.01)
        running.result()
    return (most - before) / 2**20


def _resident(processes: Sequence[psutil.Process]) -> int:
    return sum(process.memory_info().rss for process in processes)


def _bulk(hub: RunningHub, number: int, count: int) -> float:
    invoices = [{**PAYLOAD, "invoice_no": f"BULK-{number:03}-{place:06}"} for place in range(count)]
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=300)
    headers = {"Content-Type": "application/json", "X-API-KEY": KEY}
    body = json.dumps(invoices)
    started = time.perf_counter()
    connection.request("POST", "/api/sales/import/invoices/", body, headers)
    answer = json.loads(connection.getresponse().read())
    seconds = time.perf_counter() - started
    if answer["data"]["imported"] != count:
        raise RuntimeError(answer["message"])
    return count / seconds
