"""Benchmark: sendings of 50 sellers with 3 accounts each, while one of the three providers hangs on every call."""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.bench_webhooks import in_hub
from bench.figures import print_figure
from bench.hub import RunningHub, running_hub

SELLERS, PROVIDERS, PER_SECOND, SECONDS, HANG_SECONDS = 50, 3, 5, 30, 15
#: E-invoices of each account: enough for the warm-up and both sides.
EACH = 3


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider in a separate process; it hangs on every sending while ``hangs`` is set."""

    port: int
    hangs: Any


def run() -> None:
    """Print p50 and p95 from send to accepted of the providers that answer, without and with one that hangs."""
    with running_hub(web_processes=1) as hub, _providers() as providers:
        in_hub(hub, "prepare", str(SELLERS), str(EACH), *(str(each.port) for each in providers), module=_LOAD)
        last = providers[-1]
        _measure(hub, last, seconds=5, seed=0)
        calm = _measure(hub, last, seconds=SECONDS, seed=1)
        last.hangs.value = 1
        _measure(hub, last, seconds=5, seed=2)  # it hangs already when the measurement begins
        hanging = _measure(hub, last, seconds=SECONDS, seed=3)
        last.hangs.value = 0
    print(f"\nSendings of {SELLERS} sellers at {PROVIDERS} providers, {PER_SECOND}/s for {SECONDS} s")
    print(f"all providers answer:  p50 {calm[9]:.0f} ms, p95 {calm[18]:.0f} ms")
    print(
        f"one hangs {HANG_SECONDS} s a call: p50 {hanging[9]:.0f} ms, p95 {hanging[18]:.0f} ms (of the other providers)"
    )
    print_figure("p95 of other providers, one hangs / none hangs", hanging[18] / calm[18], aim="at most 1.10")


_LOAD = "bench.provider_load"


def _measure(hub: RunningHub, last: Provider, *, seconds: int, seed: int) -> list[float]:
    """Cuts (n=20) of the times of the e-invoices whose provider is not ``last``."""
    sent = in_hub(hub, "send", str(PER_SECOND), str(seconds), str(seed), module=_LOAD)
    deadline = time.monotonic() + 60
    while True:
        found = in_hub(hub, "times", str(last.port), *map(str, sent), module=_LOAD)
        if not found["waiting"]:
            return statistics.quantiles(found["taken"], n=20)
        if time.monotonic() > deadline:
            raise RuntimeError(f"{found['waiting']} sendings of providers that answer were not accepted in time")
        time.sleep(1)


@contextmanager
def _providers() -> Iterator[list[Provider]]:
    processes, providers = [], []
    for _ in range(PROVIDERS):
        hangs = multiprocessing.Value("i", 0)
        ready: Any = multiprocessing.SimpleQueue()
        process = multiprocessing.Process(target=_serve, args=(hangs, ready), daemon=True)
        process.start()
        processes.append(process)
        providers.append(Provider(ready.get(), hangs))
    try:
        yield providers
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _serve(hangs: Any, ready: Any) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take an e-invoice."""
            self.rfile.read(int(self.headers["Content-Length"]))
            if hangs.value:
                time.sleep(HANG_SECONDS)
            self._answer(200, {"provider_status": "accepted", "provider_invoice_id": self.headers["Idempotency-Key"]})

        def do_GET(self) -> None:
            """A look-up finds nothing."""
            if hangs.value:
                time.sleep(HANG_SECONDS)
            self._answer(404, {"found": False})

        def _answer(self, code: int, body: dict[str, str | bool]) -> None:
            content = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: Any) -> None:
            """Write no log lines."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_args: Any) -> None:
            """Print nothing when the hub has hung up."""

    server = Server(("127.0.0.1", 0), Handler)
    ready.put(server.server_port)
    server.serve_forever()
