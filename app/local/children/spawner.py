"""Starts processes of the hub: those that load the application are forked from one process that has loaded it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.local.children.child_processes import Child, spawn, with_death_signal
from app.processes import HOLD_VARIABLE, ROOT, HubProcess

#: Longest message between the spawner and the fork server; arguments are far shorter.
MAX_MESSAGE = 64 * 1024
#: Modules that the fork server runs; web is not one of them, because gevent must patch the standard library first.
_FORKED_MODULES = frozenset({"celery", "flask", "app.local.migrate_and_seed", "app.provider_simulator"})
_POLL_SECONDS = 0.02


class Spawner:
    """Starts processes in one environment; when it is closed, forked processes are killed."""

    def __init__(self, environment: Mapping[str, str], cwd: Path = ROOT) -> None:
        self._environment = environment
        self._cwd = cwd
        self._server: ForkServer | None = None

    def start(self, process: HubProcess, output: int, gate: int | None = None) -> Child:
        """Start a process.

        Args:
            gate: the end of a pipe; the process loads, and serves when the other end is closed.

        Raises:
            OSError: the application cannot be loaded; the reason is in the output.
        """
        command = process.arguments(self._environment)
        if not can_be_forked(process):
            command = with_death_signal(command, signal.SIGKILL)
            environment, stdin = self._environment, subprocess.DEVNULL
            if gate is not None:
                environment, stdin = {**environment, HOLD_VARIABLE: "1"}, gate
            return spawn(command, cwd=self._cwd, environment=environment, output=output, stdin=stdin)
        if self._server is None:
            self._server = ForkServer(self._environment, self._cwd, output)
        return self._server.fork(command[2:], output)

    def close(self) -> None:
        """Kill the processes that were forked."""
        if self._server is not None:
            self._server.close()


def can_be_forked(process: HubProcess) -> bool:
    """Whether the fork server can run a process."""
    return process.command[:2] == (sys.executable, "-m") and process.command[2] in _FORKED_MODULES


class ForkServer:
    """A running fork server."""

    def __init__(self, environment: Mapping[str, str], cwd: Path, output: int) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = with_death_signal([sys.executable, "-m", "app.local.children.fork_server"], signal.SIGKILL)
        with theirs:
            self._process = spawn(command, cwd=cwd, environment=environment, output=output, stdin=theirs.fileno())
        self._lock = threading.Lock()
        self._codes: dict[int, int] = {}

    def fork(self, request: Sequence[str], output: int) -> ForkedProcess:
        """Start ``python -m`` with these words.

        Raises:
            OSError: the server has ended.
        """
        with self._lock:
            socket.send_fds(self._channel, [json.dumps(request).encode()], [output])
            while "code" in (answer := self._receive()):
                pass
        return ForkedProcess(self, answer["pid"])

    def code_of(self, pid: int) -> int | None:
        """Exit code of a forked process; None while it runs."""
        with self._lock:
            try:
                while pid not in self._codes and select.select([self._channel], [], [], 0)[0]:
                    self._receive()
            except ConnectionError:
                return -signal.SIGKILL  # the kernel kills the processes of a server that ends
            return self._codes.get(pid)

    def close(self) -> None:
        """End the server and its processes."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def _receive(self) -> dict[str, Any]:
        message = self._channel.recv(MAX_MESSAGE)
        if not message:
            raise ConnectionResetError("The process that loads the application has ended.")
        answer: dict[str, Any] = json.loads(message)
        if "code" in answer:
            self._codes[answer["pid"]] = answer["code"]
        return answer


class ForkedProcess:
    """A process that the fork server started; it has the methods of ``subprocess.Popen`` that the hub uses."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._server = server

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""
        if self.returncode is None:
            self.returncode = self._server.code_of(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(_POLL_SECONDS)
        return code

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)
