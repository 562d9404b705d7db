"""Process group of the hub: combined output, and a stop of all processes when one of them ends.

Honcho prints the lines. Its manager is not used: it does not watch the servers, it waits for ever for a process
that ignores SIGTERM, and its children keep running when the launcher is killed.
"""

from __future__ import annotations

import datetime
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import IO

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from app.local.children.child_processes import Child, describe_exit, stop
from app.local.children.spawner import Spawner
from app.local.console import print_line
from app.local.errors import LocalRunError
from app.local.servers.server import Server
from app.processes import HubProcess

#: Seconds in which workers may finish their tasks and the web its requests; then they are killed.
STOP_SECONDS = 6.0
_TICK_SECONDS = 0.1


class ProcessGroup:
    """Running processes of one table."""

    def __init__(self, table: Sequence[HubProcess], spawner: Spawner) -> None:
        self._table = table
        self._spawner = spawner
        self._colours = dict(zip((process.name for process in table), get_colours(), strict=False))
        self._children: dict[str, Child] = {}
        self._readers: list[threading.Thread] = []
        self._printer = Printer(width=max(len(process.name) for process in table))
        self._print_lock = threading.Lock()
        self._gate = ExitStack()

    @contextmanager
    def loading(self) -> Iterator[ProcessGroup]:
        """Let the processes load that may do so before ``start``, and stop all processes at the end within seconds."""
        reader, writer = os.pipe()
        self._gate.callback(os.close, writer)
        try:
            try:
                for process in self._table:
                    if process.loads_early:
                        self._spawn(process, reader)
            finally:
                os.close(reader)
            yield self
        finally:
            self._gate.close()
            self._stop()

    def start(self) -> None:
        """Let the loaded processes serve, start all others, and print what they write."""
        self._gate.close()
        for process in self._table:
            if process.name not in self._children:
                self._spawn(process)
        for reader in self._readers:
            reader.start()

    def watch(self, servers: Sequence[Server], each_tick: Callable[[], None]) -> None:
        """Watch the processes and servers until one of them ends; this method never returns normally.

        Raises:
            LocalRunError: a process or server ended (the message names it), or the output was closed.
        """
        while True:
            for name, child in self._children.items():
                if (code := child.poll()) is not None:
                    raise LocalRunError(f"{name} {describe_exit(code)}; its last lines are above.")
            for server in servers:
                if (code := server.process.poll()) is not None:
                    raise LocalRunError(f"{server.name} {describe_exit(code)}: {server.last_error()}")
            if _output_is_closed():
                raise LocalRunError("The terminal of the hub was closed.")
            each_tick()
            time.sleep(_TICK_SECONDS)

    def _spawn(self, process: HubProcess, gate: int | None = None) -> None:
        reader, writer = os.pipe()
        source = os.fdopen(reader, "rb")
        self._readers.append(threading.Thread(target=self._relay, args=(process.name, source), daemon=True))
        try:
            self._children[process.name] = self._spawner.start(process, writer, gate)
        finally:
            os.close(writer)

    def _relay(self, name: str, output: IO[bytes]) -> None:
        with output:
            for line in output:
                now = datetime.datetime.now().astimezone()
                # The pipe must be read even when the output is closed, or the process would block.
                with self._print_lock, suppress(OSError):
                    self._printer.write(Message("line", line, now, name, self._colours[name]))

    def _stop(self) -> None:
        for child in self._children.values():
            # Only to the main process, which ends its own children.
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
            if reader.is_alive():
                reader.join(1.0)


def _output_is_closed() -> bool:
    """Whether the terminal was closed or the reader of the pipe has ended; a file is never closed."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # hang-up and error are always reported
    return bool(poll.poll(0))
