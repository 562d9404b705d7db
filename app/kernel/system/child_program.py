"""The program of a child process: it reads a function and its arguments, calls it within limits, writes the outcome."""

from __future__ import annotations

import os
import pickle
import resource
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

from app.kernel.system.child_process import OVER, Outcome

#: How much the child gives way to the web processes.
_NICENESS = 10
_MOST_LINES = 100


def main() -> int:
    """Run the order on standard input. The exit status is not 0 where a limit stopped it."""
    os.nice(_NICENESS)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no part of the outcome
    limits, function, args = pickle.load(sys.stdin.buffer)  # noqa: S301 - the parent wrote it
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    lines: list[tuple[str, dict[str, Any]]] = []

    def collect(_logger: Any, level: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if len(lines) < _MOST_LINES:
            lines.append((level, dict(fields)))
        raise structlog.DropEvent

    structlog.configure(processors=[collect])
    try:
        written = pickle.dumps(_outcome(function, args, lines))
    except MemoryError:
        return OVER
    if len(written) > limits.answer:
        return OVER
    with out:
        out.write(written)
    return 0


def _outcome(function: Callable[..., Any], args: tuple[Any, ...], lines: list[tuple[str, dict[str, Any]]]) -> Outcome:
    try:
        return Outcome(function(*args), None, lines)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the parent raises it again
        return Outcome(None, error, lines)


if __name__ == "__main__":
    sys.exit(main())
