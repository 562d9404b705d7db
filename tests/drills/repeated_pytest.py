"""Runs pytest as often as asked, each time in a fork that has the libraries imported.

With ``libraries`` a run imports the hub's code as it is then. With ``application`` the fork has the hub's code too, as
it was at the start, and takes the functions that differ from a changed text. For each line on standard input (arguments
of pytest, the file for the output, and the change of a module or ``null``, as JSON) one line with the exit code goes to
standard output.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.drills import replaced_code

#: Their code is what changes between the runs.
OWN_PACKAGES = frozenset({"app", "tests", "migrations", "wsgi", "celery_worker", "__main__"})
#: What is not imported before the runs, by the argument.
NOT_IMPORTED = {"libraries": OWN_PACKAGES, "application": OWN_PACKAGES - {"app"}}
#: Plugins are imported before pytest could rewrite their assertions, which the runs do not need.
OPTIONS = ("-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
#: A run without a defence may wait for ever; the signal ends it, which is not the exit code of a failed test.
LONGEST_RUN_SECONDS = 300


def main() -> None:
    """Serve until standard input ends."""
    _import_modules(sys.argv[1], NOT_IMPORTED[sys.argv[2]])
    for line in sys.stdin:
        arguments, output, change = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.alarm(LONGEST_RUN_SECONDS)
            if change:
                replaced_code.replace(**change)
            _run(arguments, Path(output))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(arguments: list[str], output: Path) -> None:
    """Run pytest in this process, and end it."""
    with output.open("w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    code = pytest.main([*OPTIONS, *arguments])
    sys.stdout.flush()
    os._exit(int(code))


def _import_modules(test: str, left_out: frozenset[str]) -> None:
    """Import the modules that collecting a test needs; another process finds out which these are."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        sys.stdout = sys.stderr
        pytest.main([*OPTIONS, "--collect-only", "-qq", test])
        names = [name for name in sys.modules if name.partition(".")[0] not in left_out]
        with os.fdopen(writer, "w") as pipe:
            json.dump(names, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        names = json.load(pipe)
    os.waitpid(child, 0)
    for name in names:
        with suppress(ImportError):  # some entries of sys.modules are made by their library, not imported
            importlib.import_module(name)


if __name__ == "__main__":
    main()
