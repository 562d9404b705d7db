"""Benchmark: what a core of each kind of process does in a second, and the memory of each as a container has it.

The sizes of ``docs/deploying.md`` come from these figures.
"""

from __future__ import annotations

import functools
import http.client
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.bench_evidence import DRAFT
from bench.bench_import import over_http
from bench.bench_webhooks import in_hub, webhook_receiver
from bench.figures import print_figure
from bench.hub import KEY, RunningHub, running_hub
from bench.load import Opener, measure

CONNECTIONS, ROUNDS, SECONDS, WARM_UP = 8, 5, 4.0, 1.0
PAPERS, WEBHOOKS = 60, 3000
EMAIL, PASSWORD = "seller@hub.example", "correct horse battery staple"
_MIB = 2**20


def run() -> None:
    """Print the figures of web, printer and webhooks, and the memory of all."""
    with running_hub(separate=True) as hub, webhook_receiver() as counter:
        over_http(hub.port)(0)  # stores the customer and the salesman
        _print_requests(hub, "imports", functools.partial(over_http, hub.port))
        _print_requests(hub, "lists of 20 invoices", functools.partial(_lists, hub.port))
        _print_papers(hub)
        in_hub(hub, "subscribe", str(counter.port))
        before, started = _cpu_seconds(hub, "webhooks"), time.monotonic()
        counter.wait(in_hub(hub, "flood", str(WEBHOOKS)), 240)
        seconds = time.monotonic() - started
        print(f"\n{WEBHOOKS} webhooks of one commit to one receiver, in {seconds:.1f} s")
        _print_rate("webhooks", "webhooks", WEBHOOKS, _cpu_seconds(hub, "webhooks") - before)
        for name in hub.pids:
            print_figure(f"memory of {name} after this load, MiB", _memory(hub, name), "{:.0f}")


def _print_requests(hub: RunningHub, what: str, opener: Opener) -> None:
    rates = []
    for number in range(ROUNDS):
        before = _cpu_seconds(hub, "web")
        first = number * 100_000_000 + 1
        done = measure(opener, connections=CONNECTIONS, seconds=SECONDS, warm_up=0, first=first)
        rates.append(done.per_second * SECONDS / (_cpu_seconds(hub, "web") - before))
    print_figure(f"{what} a second of a core of web", rates, "{:.0f}")


def _print_rate(what: str, name: str, count: int, seconds: float) -> None:
    print_figure(f"{what} a second of a core of {name}", count / seconds, "{:.1f}")


def _lists(port: int) -> Callable[[int], None]:
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def work(number: int) -> None:
        connection.request(
            "GET", f"/api/sales/invoices/?page_size=20&page={1 + number % 5}", headers={"X-API-KEY": KEY}
        )
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(answer.status)

    return work


def _print_papers(hub: RunningHub) -> None:
    """Issue e-invoices while the printer is stopped; then let it print all."""
    _make_seller(hub)
    tokens = _post(hub, "/api/auth/login/", {"email": EMAIL, "password": PASSWORD})["data"]
    printer = psutil.Process(hub.pids["printer"])
    every = [printer, *printer.children(recursive=True)]
    for process in every:
        process.send_signal(signal.SIGSTOP)
    for _ in range(PAPERS):
        draft = _post(hub, "/api/v1/einvoices", DRAFT, tokens["access"])
        _post(hub, f"/api/v1/einvoices/{draft['id']}/issue", {}, tokens["access"])
    before, started = _cpu_seconds(hub, "printer"), time.monotonic()
    for process in every:
        process.send_signal(signal.SIGCONT)
    with psycopg.connect(hub.database_url, autocommit=True) as connection:
        while _printed(connection) < PAPERS:
            if time.monotonic() > started + 240:
                raise RuntimeError("The printer does not end.")
            time.sleep(0.1)
    print(f"\n{PAPERS} PDFs of 5 lines by one printer, in {time.monotonic() - started:.1f} s")
    _print_rate("PDFs of 5 lines", "printer", PAPERS, _cpu_seconds(hub, "printer") - before)


def _printed(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM e_invoice_pdfs WHERE state = 'done'").fetchone()
    return int(row[0]) if row else 0


def _make_seller(hub: RunningHub) -> None:
    hub.flask("users", "create", EMAIL, "--role", "integrator", "--password", PASSWORD)
    hub.flask("modules", "enable", EMAIL, "feature.einvoice_api")
    hub.flask("einvoices", "seller", EMAIL, "--name", "A Ltd.", "--tax-id", "1234567890", "--address", "Bursa")


def _post(hub: RunningHub, path: str, body: Any, token: str = "") -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status >= http.HTTPStatus.BAD_REQUEST:
        raise RuntimeError(content.decode())
    return json.loads(content)


def _tree(hub: RunningHub, name: str) -> list[psutil.Process]:
    process = psutil.Process(hub.pids[name])
    return [process, *process.children(recursive=True)]


def _cpu_seconds(hub: RunningHub, name: str) -> float:
    times = [process.cpu_times() for process in _tree(hub, name)]
    return float(sum(each.user + each.system for each in times) + times[0].children_user + times[0].children_system)


def _memory(hub: RunningHub, name: str) -> float:
    """MiB of a container with this process: its private memory, and once the files that its processes map."""
    private, files = 0, 0
    for process in _tree(hub, name):
        facts = dict(line.split(":") for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:])
        values = {key: int(value.split()[0]) * 1024 for key, value in facts.items()}
        private += values["Pss_Anon"] + values["Pss_Shmem"]
        files = max(files, values["Rss"] - values["Anonymous"])
    return (private + files) / _MIB
