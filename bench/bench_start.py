"""Start and memory of the local run: seconds of a second start, and the memory of each process at rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import print_figure
from bench.hub import ROOT, free_port
from bench.memory import print_memory

STARTS = 3
#: Seconds after the start until the hub is at rest.
REST_SECONDS = 20.0


def run() -> None:
    """Start the hub several times on one data folder and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        with _running(folder):
            pass
        starts = []
        for _ in range(STARTS):
            with _running(folder) as times:
                starts.append(times)
        print_figure("second start until /readyz answers, s", [ready for ready, _ in starts], "{:.1f}", "at most 3")
        print_figure("second start until the banner, s", [banner for _, banner in starts], "{:.1f}", "at most 4.5")
        with _running(folder) as _:
            time.sleep(REST_SECONDS)
            print_memory("at rest", "at most 700")


@contextmanager
def _running(folder: str) -> Iterator[tuple[float, float]]:
    port = free_port()
    log = Path(folder, "output.log")
    environment = {
        **os.environ,
        "DATA_DIR": f"{folder}/data",
        "PORT": str(port),
        "FLOWER_PORT": str(free_port()),
        # The first start writes the compiled modules, as on every machine; compiling them takes a second of each start.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": f"{folder}/compiled",
    }
    with log.open("wb") as output:
        started = time.monotonic()
        hub = subprocess.Popen(
            [sys.executable, "-m", "app.local"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        ready = _wait(hub, lambda: _answers(port)) - started
        banner = _wait(hub, lambda: b"Ctrl-C stops everything" in log.read_bytes()) - started
        yield ready, banner
    finally:
        hub.send_signal(signal.SIGINT)
        hub.wait(30)


def _wait(hub: subprocess.Popen[bytes], happened: Callable[[], bool]) -> float:
    deadline = time.monotonic() + 120
    while not happened():
        if hub.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the hub does not start")
        time.sleep(0.05)
    return time.monotonic()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
