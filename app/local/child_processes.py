"""Child processes that cannot outlive the launcher, and the ways to bring one to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from app.local.os_user import OsUser

#: Signals to try in turn, each with the seconds that it is given.
Escalation = Sequence[tuple[signal.Signals, float]]

DEFAULT_ESCALATION: Escalation = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
_POLL_SECONDS = 0.02


def with_death_signal(command: Sequence[str], on_death: signal.Signals, account: OsUser | None = None) -> list[str]:
    """The command, wrapped so that the kernel ends it when the launcher dies, even by ``kill -9``.

    ``setpriv`` asks for the signal after it has changed the user: the change would clear it again.
    """
    return ["setpriv", *(account.options if account else ()), "--pdeathsig", on_death.name[3:], *command]


def spawn(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    output: int | IO[bytes],
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that a Ctrl-C of the terminal reaches the launcher only."""
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes], escalation: Escalation = DEFAULT_ESCALATION) -> None:
    """End a child, politely first, and with it whatever it has left in its session."""
    for kind, seconds in escalation:
        if process.poll() is None:
            process.send_signal(kind)
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
    with suppress(ProcessLookupError):  # the usual case: nothing was left behind
        os.killpg(process.pid, signal.SIGKILL)


def stop_stale_servers(folder: Path, program: str, escalation: Escalation = DEFAULT_ESCALATION) -> None:
    """End every server that a killed launcher left running in a data folder; it works where its data is."""
    for kind, seconds in escalation:
        deadline = time.monotonic() + seconds
        for pid in _running_in(folder, program):
            with suppress(ProcessLookupError):  # it ended by itself in between
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
        # Processes that end while we look, and those of other users, cannot be ours.
        with suppress(OSError):
            at_home = (entry / "cwd").readlink() == folder
            if at_home and (entry / "exe").readlink().name.split(" ")[0] == program:
                found.append(int(entry.name))
    return found


def describe_exit(code: int) -> str:
    """Say how a process ended, from the return code of ``Popen``."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
