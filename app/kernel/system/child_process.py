"""Long computations on bytes of a caller, each in a process of its own with limits of time and memory.

A web process serves many requests in one thread: a computation in it would stop all of them. The child shares no
connection, no file and no secret of the environment with its parent.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from app.kernel.errors import Busy

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

_ROOT = Path(__file__).resolve().parents[3]
_PROGRAM = (sys.executable, "-m", "app.kernel.system.child_program")
_LATER = {"Retry-After": "5"}
#: The exit status of a child that was over a limit.
OVER = 3
#: What a child gets of the environment.
_KEPT = frozenset({"PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV"})


class OverLimit(Exception):
    """The child needed more time or memory than it may have, or its answer is too long."""


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Seconds of the clock and of the processor, bytes of memory, and bytes of what is sent back."""

    seconds: int
    cpu_seconds: int
    memory: int
    answer: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a child sends back: a result or an error, and its log lines as pairs of level and fields."""

    result: Any
    error: Exception | None
    lines: list[tuple[str, dict[str, Any]]]


class ChildProcesses:
    """Runs functions in children.

    Args:
        running: how many of them run at the same time in this process; those of one owner leave a place for others.
        waiting: how many seconds a call waits for its turn.
    """

    def __init__(self, limits: ChildLimits, *, running: int, waiting: float) -> None:
        self._limits = limits
        self._running = running
        self._waiting = waiting
        #: The owner of each child that runs.
        self._owners: list[int | None] = []
        self._changed = threading.Condition()

    def call(self, function: Callable[..., Result], *args: Any, owner: int | None = None) -> Result:
        """Call ``function``, which its module must have by name, with arguments that can be pickled.

        An exception of the function is raised here. ``owner`` is the user for whom it is called, if there is one.

        Raises:
            OverLimit: it was stopped at one of the limits.
            Busy: too many children run, or too many of ``owner``; or the time of the clock was over before that of the
                processor, because other processes have it.
        """
        with self._place(owner):
            written = _run(pickle.dumps((self._limits, function, args)), self._limits.seconds)
        outcome: Outcome = pickle.loads(written)  # noqa: S301 - the hub's own program wrote it
        for level, fields in outcome.lines:
            getattr(log, level)(**fields)
        if outcome.error is not None:
            raise outcome.error
        return outcome.result  # type: ignore[no-any-return]

    @contextmanager
    def _place(self, owner: int | None) -> Iterator[None]:
        """Wait for a place, and have it in the block."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_place(owner), self._waiting):
                raise Busy(headers=_LATER)
            self._owners.append(owner)
        try:
            yield
        finally:
            with self._changed:
                self._owners.remove(owner)
                self._changed.notify_all()

    def _has_place(self, owner: int | None) -> bool:
        is_within_share = owner is None or self._owners.count(owner) < max(1, self._running - 1)
        return is_within_share and len(self._owners) < self._running


def _run(order: bytes, seconds: int) -> bytes:
    """The bytes that a child writes for ``order``."""
    environment = {name: value for name, value in os.environ.items() if name in _KEPT}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603 - constant arguments
        _PROGRAM, cwd=_ROOT, env=environment, **pipes
    ) as child:
        try:
            written: bytes = child.communicate(order, timeout=seconds)[0]
        except subprocess.TimeoutExpired as error:
            log.warning("child_stopped", reason="time")
            raise Busy(headers=_LATER) from error
        finally:
            child.kill()
    if child.returncode == OVER or child.returncode < 0:  # by itself, or by a signal of the system
        raise _stopped(f"exit {child.returncode}")
    if child.returncode:
        raise RuntimeError(f"a child ended with {child.returncode}")
    return written


def _stopped(reason: str) -> OverLimit:
    log.warning("child_stopped", reason=reason)
    return OverLimit()
