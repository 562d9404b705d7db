"""The hub's processes as one group: their lines on one screen, and one that ends takes the hub with it.

Honcho prints the lines. Its manager is not used: it knows nothing of the servers, it waits for ever on a
process that ignores SIGTERM, and its children live on when the launcher is killed.
"""

from __future__ import annotations

import datetime
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from app.local.child_processes import describe_exit, spawn, stop, with_death_signal
from app.local.console import print_line
from app.local.errors import LocalRunError
from app.local.server import Server
from app.processes import ROOT, HubProcess

#: A worker may finish its task and the web its requests; after that they are ended.
STOP_SECONDS = 6.0
_TICK_SECONDS = 0.1


class ProcessGroup:
    """The running processes of one table."""

    def __init__(self, table: Sequence[HubProcess], environment: Mapping[str, str]) -> None:
        self._table = table
        self._environment = environment
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._readers: list[threading.Thread] = []
        self._screen = Printer(width=max(len(process.name) for process in table))
        self._turn = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[ProcessGroup]:
        """Start all; at the end stop all, within seconds."""
        try:
            for process, colour in zip(self._table, get_colours(), strict=False):
                self._start(process, colour)
            yield self
        finally:
            self._stop()

    def watch(self, servers: Sequence[Server], each_tick: Callable[[], None]) -> None:
        """Stay as long as everything runs.

        Raises:
            LocalRunError: a process or a server ended, named in the line, or nobody would see it if one did.
        """
        while True:
            for name, child in self._children.items():
                if (code := child.poll()) is not None:
                    raise LocalRunError(f"{name} {describe_exit(code)}; its last lines are above.")
            for server in servers:
                if (code := server.process.poll()) is not None:
                    raise LocalRunError(f"{server.name} {describe_exit(code)}: {server.last_words()}")
            if _output_is_closed():
                raise LocalRunError("Nobody can see the hub's lines any more: the terminal was closed.")
            each_tick()
            time.sleep(_TICK_SECONDS)

    def _start(self, process: HubProcess, colour: str) -> None:
        command = with_death_signal(process.arguments(self._environment), signal.SIGKILL)
        child = spawn(command, cwd=ROOT, environment=self._environment, output=subprocess.PIPE)
        self._children[process.name] = child
        reader = threading.Thread(target=self._relay, args=(process.name, colour, child), daemon=True)
        self._readers.append(reader)
        reader.start()

    def _relay(self, name: str, colour: str, child: subprocess.Popen[bytes]) -> None:
        for line in child.stdout or ():
            now = datetime.datetime.now().astimezone()
            # With the screen gone the pipe must still be emptied, or the process would stand still.
            with self._turn, suppress(OSError):
                self._screen.write(Message("line", line, now, name, colour))

    def _stop(self) -> None:
        for child in self._children.values():
            # To the main process only: it knows how to end its own children.
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(child.poll() is None for child in self._children.values()):
            time.sleep(_TICK_SECONDS)
        for name, child in self._children.items():
            if child.poll() is None:
                print_line(f"{name} did not stop within {STOP_SECONDS:.0f} s and was killed.")
            stop(child, ((signal.SIGKILL, 2.0),))
        for reader in self._readers:
            reader.join(1.0)
        for child in self._children.values():
            if child.stdout:
                child.stdout.close()


def _output_is_closed() -> bool:
    """Whether the terminal was closed, or the reader of a pipe has ended; a file is never gone."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # hang-up and error are told unasked
    return bool(poll.poll(0))
