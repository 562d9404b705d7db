"""The bulk import against the single import, both over HTTP, side by side in one run."""

from __future__ import annotations

import functools
import http.client
import json
import statistics
import time

from app.sales.samples import PAYLOAD
from bench.bench_import import CONNECTIONS, over_http
from bench.hub import KEY, RunningHub, running_hub
from bench.load import measure

INVOICES, ROUNDS, SECONDS, WARM_UP = 10_000, 5, 4.0, 1.0


def run() -> None:
    """Print invoices a second of single imports and of bulk requests, turn by turn, and the ratios.

    One client against one client is what an ERP gains; eight connections at once are the most that single imports
    reach on this machine, where both cores are busy with them.
    """
    turns = []
    with running_hub() as hub:
        single = functools.partial(measure, functools.partial(over_http, hub), seconds=SECONDS, warm_up=WARM_UP)
        _bulk(hub, 0, 1_000)
        for number in range(1, ROUNDS + 1):
            # Turn by turn, so that whatever else the machine does falls on all.
            alone = single(connections=1, first=number * 100_000_000)
            many = single(connections=CONNECTIONS, first=number * 100_000_000 + 50_000_000)
            turns.append((alone.per_second, many.per_second, _bulk(hub, number, INVOICES)))
    print(f"\nBulk import of {INVOICES} invoices of two items against single imports, durable commits; a second")
    print(f"{'':<8}{'single, 1 connection':>22}{f'{CONNECTIONS} connections':>16}{'bulk, 1 connection':>20}")
    for number, (alone, many, bulk) in enumerate(turns, 1):
        print(f"turn {number:<3}{alone:>22.0f}{many:>16.0f}{bulk:>20.0f}")
    one, all_of_them = (statistics.median(turn[2] / turn[place] for turn in turns) for place in (0, 1))
    print(f"bulk / single, client against client: {one:.1f} × (aim: at least 10 ×)")
    print(f"bulk, one client / single, {CONNECTIONS} connections: {all_of_them:.1f} ×")


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
