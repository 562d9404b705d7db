"""Helpers that start launchers as programs, read their output and wait for their end."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from app.processes import ROOT

READY = "Invoice Hub is ready"
SECONDS = 60


class Hub:
    """One launcher, with its output in a file."""

    def __init__(self, command: Sequence[str], data_dir: Path, port: int, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = port
        self.log = data_dir.parent / f"output-{time.monotonic_ns()}.txt"
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PORT": str(port),
            "DATA_DIR": str(data_dir),
        }
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                env={**variables, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.output:
            assert time.monotonic() < deadline, self.output
            assert self.process.poll() is None, self.output
            time.sleep(0.05)

    def variable(self, name: str) -> str:
        """Value of a variable in a shell that has read ``hub.env``."""
        command = ["sh", "-c", f'. "{self.data_dir}/hub.env" && printf %s "${name}"']
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def end(self) -> int:
        return self.process.wait(SECONDS)

    def descendants(self) -> list[int]:
        """Processes with the data folder of this hub in their environment, and its servers."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                mark = f"DATA_DIR={self.data_dir}".encode()
                belongs = (
                    mark in (entry / "environ").read_bytes() or self.data_dir in (entry / "cwd").readlink().parents
                )
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue  # it has ended meanwhile
            if belongs and state != "Z" and int(entry.name) != self.process.pid:
                found.append(int(entry.name))
        return found

    def wait_until_nothing_runs(self) -> None:
        deadline = time.monotonic() + 10
        while remaining := self.descendants():
            assert time.monotonic() < deadline, [Path(f"/proc/{pid}/cmdline").read_text() for pid in remaining]
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Start:
    """Starts launchers on one data folder and stops all of them at the end of the test."""

    def __init__(self, command: Sequence[str], data_dir: Path) -> None:
        self.command = command
        self.data_dir = data_dir
        self.hubs: list[Hub] = []

    def __call__(self, **environment: str) -> Hub:
        port = int(environment.pop("PORT", free_port()))
        hub = Hub(self.command, Path(environment.pop("DATA_DIR", str(self.data_dir))), port, **environment)
        self.hubs.append(hub)
        return hub

    def end_all(self) -> None:
        for hub in self.hubs:
            if hub.process.poll() is None:
                hub.process.terminate()
                hub.process.wait(SECONDS)
        for hub in self.hubs:
            hub.wait_until_nothing_runs()
