"""Benchmark: sales imports over HTTP, by the hub with all its processes and by a Django REST Framework application.

The application makes the same checks and stores the same rows; it has no events, no audit and no other processes.
"""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench.bench_import import over_http
from bench.figures import print_figure
from bench.hub import KEY, RunningHub, free_port, running_hub
from bench.load import measure

CONNECTIONS, ROUNDS, SECONDS, WARM_UP = 8, 9, 2.0, 0.5
#: Between two turns: the hub's processes end what an import has left for them.
PAUSE = 2.0
FOLDER = Path(__file__).with_name("rest_framework")
#: As many processes as the hub has; each serves as many connections as come to it.
_SERVER = ("-m", "gunicorn", "--workers", "2", "--worker-class", "gthread", "--threads", str(CONNECTIONS // 2))


def run() -> None:
    """Print invoices per second of both, and the ratio: medians over alternating rounds."""
    with running_hub() as hub, _application(hub) as other:
        over_http(hub.port)(0)  # stores the customer and the salesman
        over_http(other)(0)
        rates: dict[int, list[float]] = {hub.port: [], other: []}
        for number in range(ROUNDS):
            for port, measured in rates.items():
                opener = functools.partial(over_http, port)
                first = number * 100_000_000 + 1
                done = measure(opener, connections=CONNECTIONS, seconds=SECONDS, warm_up=WARM_UP, first=first)
                measured.append(done.per_second)
                time.sleep(PAUSE)
    print(f"\nSales import, two items, {CONNECTIONS} connections, {ROUNDS} × {SECONDS:.0f} s each, durable commits")
    print_figure("imports a second, hub", rates[hub.port], "{:.0f}")
    print_figure("imports a second, Django REST Framework", rates[other], "{:.0f}")
    ratios = [ours / theirs for ours, theirs in zip(rates[hub.port], rates[other], strict=True)]
    print_figure("hub / Django REST Framework", ratios, aim="at least 3")


@contextmanager
def _application(hub: RunningHub) -> Iterator[int]:
    """Install and start the application over a database of its own on the server of the hub; its port."""
    with psycopg.connect(hub.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE rest_framework")
    url = urlsplit(hub.database_url)._replace(path="/rest_framework").geturl()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DATABASE_URL": url, "API_KEY": KEY}
        python = _install(Path(folder))
        subprocess.run([python, "import_endpoint.py"], cwd=FOLDER, env=environment, check=True)
        command = [str(python), *_SERVER, "--bind", f"127.0.0.1:{port}", "import_endpoint:application"]
        server = subprocess.Popen(command, cwd=FOLDER, env=environment, stderr=subprocess.DEVNULL)
        try:
            _wait_until_it_listens(port)
            yield port
        finally:
            server.terminate()
            server.wait()


def _install(folder: Path) -> Path:
    """Make an environment with the packages of the application; its Python."""
    uv = [sys.executable, "-m", "uv", "--quiet"]
    python = folder / "bin" / "python"
    subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, folder], check=True)
    wanted = FOLDER / "requirements.txt"
    subprocess.run([*uv, "pip", "install", "--python", python, "--require-hashes", "-r", wanted], check=True)
    return python


def _wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline:
            raise RuntimeError("The application does not start.")
        time.sleep(0.1)
