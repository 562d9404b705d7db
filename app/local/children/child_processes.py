"""Child processes: start with a parent-death signal, stop in steps, stop servers of a killed launcher."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from app.local.servers.os_user import OsUser

#: Signals to send one after the other, each with the seconds to wait for its effect.
Escalation = Sequence[tuple[signal.Signals, float]]

DEFAULT_ESCALATION: Escalation = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
_POLL_SECONDS = 0.02


def with_death_signal(command: Sequence[str], on_death: signal.Signals, user: OsUser | None = None) -> list[str]:
    """Wrap a command so that the kernel ends it when the launcher dies, even by ``kill -9``.

    ``setpriv`` changes the user first and then sets the signal, because a change of the user would clear it.
    """
    return ["setpriv", *(user.options if user else ()), "--pdeathsig", on_death.name[3:], *command]


def spawn(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    output: int | IO[bytes],
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session, so that Ctrl-C in the terminal reaches only the launcher."""
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


class Child(Protocol):
    """A child process, started by ``spawn`` or forked."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def stop(process: Child, escalation: Escalation = DEFAULT_ESCALATION) -> None:
    """Stop a child with increasingly strong signals, then kill the processes left in its session."""
    for kind, seconds in escalation:
        if process.poll() is None:
            process.send_signal(kind)
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
    with suppress(ProcessLookupError):  # the usual case: nothing is left
        os.killpg(process.pid, signal.SIGKILL)


def stop_stale_servers(folder: Path, program: str, escalation: Escalation = DEFAULT_ESCALATION) -> None:
    """Stop the servers that a killed launcher left running; they are found by their working directory."""
    for kind, seconds in escalation:
        deadline = time.monotonic() + seconds
        for pid in _running_in(folder, program):
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(pid, kind)
        while _running_in(folder, program):
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_SECONDS)
        else:
            return


def _running_in(folder: Path, program: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        # A process that has ended meanwhile or belongs to another user is not a server of this hub.
        with suppress(OSError):
            in_folder = (entry / "cwd").readlink() == folder
            if in_folder and (entry / "exe").readlink().name.split(" ")[0] == program:
                found.append(int(entry.name))
    return found


def describe_exit(code: int) -> str:
    """Describe the end of a process by the return code of ``Popen``."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
