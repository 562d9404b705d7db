"""A complete temporary hub for benchmarks: durable servers, two web processes, all workers and beat."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.local.children.child_processes import Child, spawn
from app.local.children.spawner import Spawner
from app.local.servers.temporary import temporary_servers
from app.processes import MIGRATE, PROCESSES, HubProcess

ROOT = Path(__file__).resolve().parents[1]
KEY = "a-key-for-the-benchmarks-of-imports"


@dataclass(frozen=True, slots=True)
class RunningHub:
    """Port, database URL and environment of a running hub, and the process ids by name."""

    port: int
    database_url: str
    environment: Mapping[str, str]
    pids: Mapping[str, int]

    def flask(self, *arguments: str) -> None:
        """Run a command line command of the hub."""
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def running_hub(
    changes: Mapping[str, str] | None = None, *, web_processes: int = 2, separate: bool = False
) -> Iterator[RunningHub]:
    """Start everything except Flower, wait until ready, and stop it at the end.

    Args:
        changes: changed settings.
        separate: each process loads the application for itself, as in a container.
    """
    with temporary_servers() as (postgres, valkey), ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        environment = {
            **os.environ,
            "ENVIRONMENT": "production",
            "SECRET_KEY": "a secret of the benchmarks, long enough for production",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "STORAGE_DIR": str(folder),
            "DATA_DIR": str(folder),
            "SALES_IMPORT_API_KEY": KEY,
            "PORT": str(port),
            "WEB_CONCURRENCY": str(web_processes),
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
            **(changes or {}),
        }
        spawner = Spawner(environment)
        stack.callback(spawner.close)
        output = stack.enter_context((folder / "hub.log").open("ab")).fileno()
        if spawner.start(MIGRATE, output).wait() != 0:
            raise RuntimeError((folder / "hub.log").read_text())
        pids = {}
        for process in PROCESSES:
            if process.name != "flower":
                child = _start_alone(process, environment, output) if separate else spawner.start(process, output)
                pids[process.name] = child.pid
                stack.callback(child.wait)
                stack.callback(child.terminate)
        _wait_until_ready(port)
        yield RunningHub(port, postgres.url, environment, pids)


def _start_alone(process: HubProcess, environment: Mapping[str, str], output: int) -> Child:
    return spawn(process.arguments(environment), cwd=ROOT, environment=environment, output=output)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 180
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
