"""``python -m bench.soak [--minutes 30] [--streams 200]``: mixed load for long, and what grows under it.

Imports, lists, e-invoices with their PDFs, webhooks and streams at a steady pace; memory, connections and lags are
looked at all the while. The first fifth warms up. After it, the median of the last fifth may exceed the median of the
second by the bounds below, and no more; the exit code says whether it did.
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

from bench.bench_webhooks import in_hub
from bench.hub import KEY, RunningHub, running_hub

PASSWORD = "a password of the soak, long enough"
USER = "soak@hub.example"
#: What may be added between the second fifth of the time and the last one; MiB, or numbers.
BOUNDS = {
    "web MiB": 40,
    "worker MiB": 60,
    "printer MiB": 120,  # within its --max-memory-per-child, at which it is replaced
    "webhooks MiB": 60,
    "retries MiB": 60,
    "beat MiB": 15,
    "redis MiB": 20,
    "database connections": 10,
    "redis connections": 5,
    "events waiting": 200,
    "events late s": 5,
    "pdfs late s": 30,
    "webhooks late s": 10,
    "open files of web": 30,
}
#: Pieces of work a second.
PACE = {"imports": 5.0, "lists": 5.0, "einvoices": 0.5}
_KINDS = {"gunicorn": "web", "beat": "beat"} | {
    f"{name}@%h": name for name in ("worker", "printer", "webhooks", "retries")
}
_MIB = 2**20


@dataclass
class Soak:
    """What happens, and what was seen of it."""

    hub: RunningHub
    ends: float
    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    heard: Counter[str] = field(default_factory=Counter)
    seen: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.ends

    def repeat(self, name: str, work: Callable[[http.client.HTTPConnection, int], None]) -> None:
        """Do a piece of work at its pace until the end; one that fails is counted and does not stop the rest."""
        number, began = 0, time.monotonic()
        with closing(self.connection()) as connection:
            while self.goes_on:
                number += 1
                try:
                    work(connection, number)
                    self.done[name] += 1
                except (OSError, http.client.HTTPException, AssertionError):
                    self.failed[name] += 1
                    connection.close()
                time.sleep(max(0.0, began + number / PACE[name] - time.monotonic()))

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.hub.port, timeout=60)


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """One request with its answer; anything but success fails."""
    content = None if body is None else json.dumps(body).encode()
    connection.request(method, path, content, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status < 300, f"{method} {path}: {answer.status} {said[:200]!r}"
    return json.loads(said) if answer.headers.get_content_type() == "application/json" else said.decode()


def import_one(connection: http.client.HTTPConnection, number: int) -> None:
    items = [{"name": f"Item {i}", "item_code": f"I{i}", "barcode": f"B{i}", "quantity": 2, "mrp": 3.5} for i in (1, 2)]
    customer = {"code": f"C{number % 500}", "name": "LifeCare Pharmacy", "phone1": "9876543210"}
    invoice = {"invoice_no": f"SOAK-{number}", "invoice_date": "2025-01-18", "salesman": "Ajay", "created_by": "soak"}
    body = {**invoice, "customer": customer, "items": items}
    ask(connection, "POST", "/api/sales/import/invoice/", body, **{"X-API-KEY": KEY})


def list_some(connection: http.client.HTTPConnection, number: int) -> None:
    path = ("?status=INVOICED", "?search=lifecare", "?priority=HIGH")[number % 3]
    ask(connection, "GET", f"/api/sales/invoices/{path}", **{"X-API-KEY": KEY})


def einvoices(hub: RunningHub) -> Callable[[http.client.HTTPConnection, int], None]:
    """Issue an e-invoice at a time, as a user of its own; the printer makes the PDFs."""
    hub.flask("users", "create", USER, "--role", "integrator", "--password", PASSWORD)
    hub.flask("modules", "enable", USER, "feature.einvoice_api")
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60)) as connection:
        signed_in = ask(connection, "POST", "/api/auth/login/", {"email": USER, "password": PASSWORD})
    headers = {"Authorization": f"Bearer {signed_in['data']['access']}"}
    item = {"sku": "TSH-1", "name": "Tişört", "quantity": 2, "unit_price": 50, "vat_rate": 20}
    draft = {"buyer": {"name": "Ayşe Yılmaz"}, "items": [item] * 5, "currency": "TRY"}

    def issue(connection: http.client.HTTPConnection, _number: int) -> None:
        made = ask(connection, "POST", "/api/v1/einvoices", draft, **headers)
        ask(connection, "POST", f"/api/v1/einvoices/{made['id']}/issue", {}, **headers)

    return issue


def receive(soak: Soak) -> int:
    """A receiver of webhooks that counts them; its port."""

    class Receiver(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            soak.heard["webhooks"] += 1
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def listen(soak: Soak) -> None:
    """One stream, opened again by its last id whenever it ends."""
    last: str | None = None
    while soak.goes_on:
        connection = soak.connection()
        with suppress(OSError, http.client.HTTPException):
            resume = {"Last-Event-ID": last} if last else {}
            connection.request("GET", "/api/sales/sse/invoices/", headers={"X-API-KEY": KEY, **resume})
            answer = connection.getresponse()
            while soak.goes_on and (line := answer.readline()):
                if line.startswith(b"id: "):
                    last = line[4:].strip().decode()
                    soak.heard["events"] += 1
            soak.heard["ends"] += 1
        connection.close()
        time.sleep(0.2)


def look(soak: Soak, every: float) -> None:
    """Write down memory, connections and lags, again and again."""
    with closing(soak.connection()) as connection:
        while soak.goes_on:
            time.sleep(every)
            try:
                metrics = ask(connection, "GET", "/metrics")
            except (OSError, http.client.HTTPException, AssertionError):
                soak.failed["metrics"] += 1
                connection.close()
                continue
            for name, number in {**_memory(), **_lags(metrics)}.items():
                soak.seen[name].append(number)


def _memory() -> dict[str, float]:
    """Memory of the hub's processes by kind, what they share counted once."""
    found: dict[str, float] = defaultdict(float)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            words = child.cmdline()
            kind = next((kind for word, kind in _KINDS.items() if word in words), None)
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
    """Print what was seen, and name what grew beyond its bound."""
    print(f"\n{'':<22} {'second fifth':>13} {'last fifth':>11} {'most':>9} {'may add':>9}")
    grown = []
    for name, numbers in sorted(soak.seen.items()):
        fifth = max(1, len(numbers) // 5)
        before, after = statistics.median(numbers[fifth : 2 * fifth] or numbers), statistics.median(numbers[-fifth:])
        bound = BOUNDS.get(name)
        print(f"{name:<22} {before:>13.1f} {after:>11.1f} {max(numbers):>9.1f} {'' if bound is None else bound:>9}")
        if bound is not None and after - before > bound:
            grown.append(name)
    print("\n" + ", ".join(f"{number} {name}" for name, number in soak.done.items()), "done")
    print(f"{soak.heard['events']} events heard by streams, which ended {soak.heard['ends']} times")
    print(f"{soak.heard['webhooks']} webhooks received")
    print(f"failed: {dict(soak.failed) or 'nothing'}; grown beyond its bound: {', '.join(grown) or 'nothing'}")
    return grown


def run(*, minutes: float, streams: int) -> int:
    """Soak a hub of its own; 1 when something grew or failed."""
    # A stream lives for ten minutes; in a short run it shall end and come back all the same.
    lifetime = min(600.0, minutes * 60 / 3)
    allowed = {"STREAMS_PER_CREDENTIAL": str(streams + 100), "STREAM_LIFETIME_SECONDS": str(lifetime)}
    with running_hub(**allowed) as hub:
        soak = Soak(hub, 0)
        in_hub(hub, "subscribe", str(receive(soak)))
        work: dict[str, Any] = {"imports": import_one, "lists": list_some, "einvoices": einvoices(hub)}
        soak.ends = time.monotonic() + minutes * 60
        threads = [threading.Thread(target=soak.repeat, args=facts) for facts in work.items()]
        threads += [threading.Thread(target=listen, args=(soak,), daemon=True) for _ in range(streams)]
        threads.append(threading.Thread(target=look, args=(soak, min(5.0, minutes * 60 / 25))))
        for thread in threads:
            thread.start()
        for thread in threads:
            if not thread.daemon:
                thread.join()
        grown = table(soak)
    return 1 if grown or sum(soak.failed.values()) else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--streams", type=int, default=200)
    given = parser.parse_args()
    sys.exit(run(minutes=given.minutes, streams=given.streams))
