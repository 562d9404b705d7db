"""The bulk import against the single import, both over HTTP, side by side in one run."""

from __future__ import annotations

import functools
import http.client
import json
import time

from app.sales.samples import PAYLOAD
from bench.bench_import import CONNECTIONS, over_http
from bench.hub import KEY, RunningHub, running_hub
from bench.load import measure

INVOICES, ROUNDS, SECONDS, WARM_UP = 10_000, 3, 10.0, 3.0


def run() -> None:
    """Print invoices a second of the single import (one connection, and all) and of bulk requests, with ratios."""
    with running_hub() as hub:
        single = functools.partial(measure, functools.partial(over_http, hub), seconds=SECONDS, warm_up=WARM_UP)
        alone = single(connections=2, first=100_000_001)
        many = single(connections=CONNECTIONS, first=500_000_001)
        _bulk(hub, 0, 1_000)
        bulk = [_bulk(hub, number, INVOICES) for number in range(1, ROUNDS + 1)]
        again = single(connections=CONNECTIONS, first=900_000_001)
    best_single = max(many.per_second, again.per_second)
    middle = sorted(bulk)[len(bulk) // 2]
    print(f"\nBulk import of {INVOICES} invoices with two items each, durable commits")
    for name, figure in (
        ("single, 2 connections", alone.per_second),
        (f"single, {CONNECTIONS} connections", many.per_second),
        (f"single, {CONNECTIONS} connections, again", again.per_second),
        *((f"bulk, request {number}", figure) for number, figure in enumerate(bulk, 1)),
    ):
        print(f"{name:<40}{figure:>10.0f} invoices/s")
    print(f"bulk / best single: {middle / best_single:.1f} × (aim: at least 10 ×)")


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
