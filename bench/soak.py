"""``python -m bench.soak [--minutes 30] [--streams 200]``: a soak test that finds what grows under a long mixed load.

Imports, lists, e-invoices with PDFs, webhooks and streams run at a steady rate, while memory, connections and lags are
sampled. The first fifth of the time is the warm-up. The median of the last fifth may exceed the median of the second
fifth by at most the bounds below; otherwise the exit code is 1. At the end the load stops, and the memory of each
process at rest is printed. With ``REPORT=1`` the figures are written to ``docs/figures.md``.
"""

from __future__ import annotations

import argparse
import http.client
import http.server
import json
import re
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from app.processes import PROCESSES
from bench.bench_webhooks import in_hub
from bench.figures import print_figure, report
from bench.hub import KEY, RunningHub, running_hub
from bench.memory import print_memory

PASSWORD = "a password of the soak, long enough"
USER = "soak@hub.example"
#: Maximum growth from the second fifth of the time to the last; MiB, seconds or counts.
BOUNDS = {
    "web MiB": 40,
    "worker MiB": 60,
    "printer MiB": 120,  # within its --max-memory-per-child, at which it is replaced
    "previewer MiB": 60,
    "webhooks MiB": 60,
    "retries MiB": 60,
    "providers MiB": 60,
    "checker MiB": 60,
    "beat MiB": 15,
    "redis MiB": 20,
    "database connections": 20,  # when all streams open again, each web process fills its pool
    "redis connections": 5,
    "events waiting": 200,
    "events late s": 5,
    "pdfs late s": 30,
    "webhooks late s": 10,
    "open files of web": 30,
}
#: Seconds after the load until the hub is at rest.
REST_SECONDS = 20.0
#: Operations per second.
RATES = {"imports": 5.0, "lists": 5.0, "einvoices": 0.5}
#: What the titles of the processes contain.
_KINDS = {"gunicorn: worker": "web", "[celery beat]": "beat"} | {
    f"[celeryd: {process.name}@": process.name for process in PROCESSES if process.queues
}
_MIB = 2**20


@dataclass
class Soak:
    """A running soak test: counters of operations and samples of metrics."""

    hub: RunningHub
    ends: float
    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def is_running(self) -> bool:
        return time.monotonic() < self.ends

    def repeat(self, name: str, work: Callable[[http.client.HTTPConnection, int], None]) -> None:
        """Repeat an operation at its rate until the end; failures are counted."""
        number, began = 0, time.monotonic()
        with closing(self.connection()) as connection:
            while self.is_running:
                number += 1
                try:
                    work(connection, number)
                    self.done[name] += 1
                except (OSError, http.client.HTTPException, AssertionError):
                    self.failed[name] += 1
                    connection.close()
                time.sleep(max(0.0, began + number / RATES[name] - time.monotonic()))

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.hub.port, timeout=60)


def send(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Send a request and return the answer; any status from 300 on is an error."""
    content = None if body is None else json.dumps(body).encode()
    connection.request(method, path, content, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status < 300, f"{method} {path}: {answer.status} {text[:200]!r}"
    return json.loads(text) if answer.headers.get_content_type() == "application/json" else text.decode()


def import_one(connection: http.client.HTTPConnection, number: int) -> None:
    items = [{"name": f"Item {i}", "item_code": f"I{i}", "barcode": f"B{i}", "quantity": 2, "mrp": 3.5} for i in (1, 2)]
    customer = {"code": f"C{number % 500}", "name": "LifeCare Pharmacy", "phone1": "9876543210"}
    invoice = {"invoice_no": f"SOAK-{number}", "invoice_date": "2025-01-18", "salesman": "Ajay", "created_by": "soak"}
    body = {**invoice, "customer": customer, "items": items}
    send(connection, "POST", "/api/sales/import/invoice/", body, **{"X-API-KEY": KEY})


def list_some(connection: http.client.HTTPConnection, number: int) -> None:
    path = ("?status=INVOICED", "?search=lifecare", "?priority=HIGH")[number % 3]
    send(connection, "GET", f"/api/sales/invoices/{path}", **{"X-API-KEY": KEY})


def einvoices(hub: RunningHub) -> Callable[[http.client.HTTPConnection, int], None]:
    """An operation that issues one e-invoice as a separate user; the PDF worker prints it."""
    hub.flask("users", "create", USER, "--role", "integrator", "--password", PASSWORD)
    hub.flask("modules", "enable", USER, "feature.einvoice_api")
    hub.flask("einvoices", "seller", USER, "--name", "Soak Ltd.", "--tax-id", "1234567890", "--address", "Bursa")
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60)) as connection:
        login = send(connection, "POST", "/api/auth/login/", {"email": USER, "password": PASSWORD})
    headers = {"Authorization": f"Bearer {login['data']['access']}"}
    item = {"sku": "TSH-1", "name": "Tişört", "quantity": 2, "unit_price": 50, "vat_rate": 20}
    draft = {"buyer": {"name": "Ayşe Yılmaz", "address": "Kadıköy"}, "items": [item] * 5, "currency": "TRY"}

    def issue(connection: http.client.HTTPConnection, _number: int) -> None:
        made = send(connection, "POST", "/api/v1/einvoices", draft, **headers)
        send(connection, "POST", f"/api/v1/einvoices/{made['id']}/issue", {}, **headers)

    return issue


def receive(soak: Soak) -> int:
    """Start a receiver that counts webhooks; returns its port."""

    class Receiver(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            soak.received["webhooks"] += 1
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """No log."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def listen(soak: Soak) -> None:
    """Read one stream; resume by its last id whenever it ends."""
    last: str | None = None
    while soak.is_running:
        connection = soak.connection()
        with suppress(OSError, http.client.HTTPException):
            resume = {"Last-Event-ID": last} if last else {}
            connection.request("GET", "/api/sales/sse/invoices/", headers={"X-API-KEY": KEY, **resume})
            answer = connection.getresponse()
            while soak.is_running and (line := answer.readline()):
                if line.startswith(b"id: "):
                    last = line[4:].strip().decode()
                    soak.received["events"] += 1
            soak.received["ends"] += 1
        connection.close()
        time.sleep(0.2)


def sample(soak: Soak, every: float) -> None:
    """Sample memory, connections and lags every ``every`` seconds."""
    with closing(soak.connection()) as connection:
        while soak.is_running:
            time.sleep(every)
            try:
                metrics = send(connection, "GET", "/metrics")
            except (OSError, http.client.HTTPException, AssertionError):
                soak.failed["metrics"] += 1
                connection.close()
                continue
            for name, number in {**_memory(), **_lags(metrics)}.items():
                soak.samples[name].append(number)


def _memory() -> dict[str, float]:
    """Memory of the processes of the hub by kind; shared memory is counted proportionally (PSS)."""
    found: dict[str, float] = defaultdict(float)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            title = " ".join(child.cmdline())
            kind = next((kind for start, kind in _KINDS.items() if title.startswith(start)), None)
            if kind:
                found[f"{kind} MiB"] += child.memory_full_info().pss / _MIB
            if kind == "web":
                found["open files of web"] += child.num_fds()
    return found


def _lags(metrics: str) -> dict[str, float]:
    def total(pattern: str) -> float:
        return sum(float(number) for number in re.findall(rf"^{pattern} (\S+)$", metrics, re.M))

    return {
        "database connections": total(r"hub_database_connections\{.*\}"),
        "redis connections": total("hub_redis_clients"),
        "redis MiB": total("hub_redis_memory_bytes") / _MIB,
        "events waiting": total(r'hub_work_due\{kind="events"\}'),
        "events late s": total(r'hub_work_oldest_seconds\{kind="events"\}'),
        "pdfs late s": total(r'hub_work_oldest_seconds\{kind="pdfs"\}'),
        "webhooks late s": total(r'hub_work_oldest_seconds\{kind="deliveries"\}'),
        "streams": total("hub_stream_clients"),
    }


def table(soak: Soak) -> list[str]:
    """Print the samples; returns the names of metrics that grew beyond their bounds."""
    print(f"\n{'':<22} {'second fifth':>13} {'last fifth':>11} {'max':>9} {'bound':>9}")
    growths = {}
    for name, numbers in sorted(soak.samples.items()):
        fifth = max(1, len(numbers) // 5)
        before, after = statistics.median(numbers[fifth : 2 * fifth] or numbers), statistics.median(numbers[-fifth:])
        bound = BOUNDS.get(name)
        print(f"{name:<22} {before:>13.1f} {after:>11.1f} {max(numbers):>9.1f} {'' if bound is None else bound:>9}")
        if bound is not None:
            growths[name] = after - before
    print("\n" + ", ".join(f"{number} {name}" for name, number in soak.done.items()), "done")
    print(f"{soak.received['events']} events received by streams, which ended {soak.received['ends']} times")
    print(f"{soak.received['webhooks']} webhooks received")
    for name, growth in growths.items():
        print_figure(f"growth of {name}", growth, "{:.1f}", f"at most {BOUNDS[name]}")
    grown = [name for name, growth in growths.items() if growth > BOUNDS[name]]
    print(f"failed: {dict(soak.failed) or 'nothing'}; grown beyond its bound: {', '.join(grown) or 'nothing'}")
    return grown


def run(*, minutes: float, streams: int) -> int:
    """Run the soak test on a temporary hub; 1 if something grew beyond its bound or failed."""
    # Streams last ten minutes; in a short run they must end and resume too.
    lifetime = min(600.0, minutes * 60 / 3)
    settings = {"STREAMS_PER_CREDENTIAL": str(streams + 100), "STREAM_LIFETIME_SECONDS": str(lifetime)}
    with running_hub(settings) as hub:
        soak = Soak(hub, 0)
        in_hub(hub, "subscribe", str(receive(soak)))
        work: dict[str, Any] = {"imports": import_one, "lists": list_some, "einvoices": einvoices(hub)}
        soak.ends = time.monotonic() + minutes * 60
        threads = [threading.Thread(target=soak.repeat, args=facts) for facts in work.items()]
        threads += [threading.Thread(target=listen, args=(soak,), daemon=True) for _ in range(streams)]
        threads.append(threading.Thread(target=sample, args=(soak, min(5.0, minutes * 60 / 25))))
        for thread in threads:
            thread.start()
        for thread in threads:
            if not thread.daemon:
                thread.join()
        grown = table(soak)
        time.sleep(REST_SECONDS)
        print_memory("after the soak", "at most 900")
        report("soak")
    return 1 if grown or sum(soak.failed.values()) else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--streams", type=int, default=200)
    options = parser.parse_args()
    sys.exit(run(minutes=options.minutes, streams=options.streams))
