"""``python -m app.local.shared_programs``: all programs of the hub but Flower in one container of a small server.

They share what they have loaded, as in the local run. A program that ends is started again alone, as its own container
or its own unit of systemd would be.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from app.kernel.system.private_folders import close_folder
from app.local.children.child_processes import Child, describe_exit, stop
from app.local.children.spawner import Spawner
from app.local.console import print_line
from app.processes import PROCESSES, HubProcess

#: The programs that share one container.
PROGRAMS = tuple(process for process in PROCESSES if process.name != "flower")
#: Seconds until a program that has ended is started again, as in the units of systemd.
RESTART_SECONDS = 2.0
#: Seconds in which the programs may finish their tasks; then they are killed.
STOP_SECONDS = 110.0
_TICK_SECONDS = 0.2


class SharedPrograms:
    """Programs that run until a signal stops all of them; each one that ends meanwhile is started again."""

    def __init__(self, programs: Sequence[HubProcess], spawner: Spawner) -> None:
        self._programs = programs
        self._spawner = spawner
        self._children: dict[str, Child] = {}
        #: When a program that has ended is started again (``time.monotonic()``).
        self._due: dict[str, float] = {}
        self._is_stopping = False

    def request_stop(self, *_signal: object) -> None:
        """Let ``run`` end; a handler of signals."""
        self._is_stopping = True

    def run(self) -> None:
        """Run the programs until a stop is requested.

        Raises:
            OSError: the process that they are forked from has ended, and they with it.
        """
        try:
            while not self._is_stopping:
                for program in self._programs:
                    self._keep_running(program)
                time.sleep(_TICK_SECONDS)
        finally:
            self._stop()

    def _keep_running(self, program: HubProcess) -> None:
        child = self._children.get(program.name)
        if child is not None:
            if (code := child.poll()) is None:
                return
            print_line(f"{program.name} {describe_exit(code)}; it is started again.")
            stop(child)  # what is left of its session
            del self._children[program.name]
            self._due[program.name] = time.monotonic() + RESTART_SECONDS
        if time.monotonic() >= self._due.get(program.name, 0.0) and not self._is_stopping:
            self._children[program.name] = self._spawner.start(program, sys.stdout.fileno())

    def _stop(self) -> None:
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(child.poll() is None for child in self._children.values()):
            time.sleep(_TICK_SECONDS)
        for name, child in self._children.items():
            if child.poll() is None:
                print_line(f"{name} did not stop within {STOP_SECONDS:.0f} s and was killed.")
            stop(child, ((signal.SIGKILL, 2.0),))


def main(environment: Mapping[str, str]) -> int:
    """Run the programs in this environment.

    Returns:
        Exit code: 0 after a stop by a signal, 1 if the process that the programs are forked from has ended.
    """
    if metrics := environment.get("PROMETHEUS_MULTIPROC_DIR"):  # those of an earlier run of the container
        shutil.rmtree(metrics, ignore_errors=True)
        close_folder(Path(metrics))
    with closing(Spawner(environment)) as spawner:
        shared = SharedPrograms(PROGRAMS, spawner)
        for kind in (signal.SIGTERM, signal.SIGINT):
            signal.signal(kind, shared.request_stop)
        try:
            shared.run()
        except OSError as error:
            print_line(f"the process that loads the application has ended: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
