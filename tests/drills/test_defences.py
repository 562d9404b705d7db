"""Each defence of the security page is taken out of a copy of the code: the test that the page names must then fail."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from app.local.servers.postgres import DATABASE
from app.local.servers.temporary import temporary_servers
from tests.conftest import FAST_SERVER, POSTGRES_VARIABLE, VALKEY_VARIABLE
from tests.drills import replaced_code
from tests.drills.hubs import ROOT
from tests.drills.removals import REMOVALS, Removal
from tests.drills.turns import taken_today

pytestmark = pytest.mark.drill

PAGE = ROOT / "docs" / "security.md"
COPIED = ("app", "migrations", "tests", "pyproject.toml", "wsgi.py", "celery_worker.py")
LINKED = ("node_modules", "docs")
PARALLEL = 2
#: The database that a run uses is a copy of the migrated one.
MIGRATED, USED = "migrated", "used"
#: A quick test that needs the application.
FIRST_TEST = "tests/accounts/test_guards.py::test_the_list_of_guarded_routes_is_not_empty"
#: The check of the check: its test must be reported as one that does not fail.
NOTHING_REMOVED = Removal(
    FIRST_TEST, "app/accounts/guards.py", "SIGNED_IN: frozenset(ROLES)", "SIGNED_IN: frozenset(ROLES)"
)
#: What pytest ends with when a test failed.
TESTS_FAILED = 1


def rows_of_the_page() -> list[tuple[str, list[str]]]:
    """Defence and tests of each row of the tables of the page."""
    found = re.findall(r"^\| (.+) \| (`tests/.+`) \|$", PAGE.read_text(), re.MULTILINE)
    return [(defence, re.findall(r"`([^`]+)`", tests)) for defence, tests in found]


def test_the_page_names_tests_that_exist_and_every_removal() -> None:
    named = {test for _, tests in rows_of_the_page() for test in tests}
    for removal in REMOVALS:
        assert removal.test in named or removal.test.partition("::")[0] in named, removal
    for test in sorted(named | {removal.test for removal in REMOVALS}):
        file, *names = test.split("::")
        assert (ROOT / file).is_file(), test
        text = (ROOT / file).read_text()
        assert all(re.search(rf"(def|class) {name}\b", text) for name in names), test


@dataclass(frozen=True)
class Lane:
    """A copy of the code with servers of its own, and processes that run pytest in it again and again.

    The one has only libraries loaded, the other the application too, which is quicker.
    """

    folder: Path
    postgres: str
    with_libraries: subprocess.Popen[str]
    with_application: subprocess.Popen[str]

    def prepare(self) -> None:
        """Migrate the database that each run copies, by running a test over an empty one."""
        self._sql(f"CREATE DATABASE {USED}")
        code, output = self._run(FIRST_TEST)
        assert code == 0, output
        self._sql(f"ALTER DATABASE {USED} RENAME TO {MIGRATED}")

    def fault(self, removal: Removal) -> str | None:
        """Take the defence out and run its test; return what is wrong if the test does not fail."""
        module = self.folder / removal.module
        text = module.read_text()
        if text.count(removal.code) != 1:
            return f"{removal.module} does not have once: {removal.code}"
        self._sql(
            f"DROP DATABASE IF EXISTS {USED} WITH (FORCE)",
            f"CREATE DATABASE {USED} TEMPLATE {MIGRATED} STRATEGY file_copy",
        )
        change = {"module": str(module), "before": text, "after": text.replace(removal.code, removal.without)}
        self._write(module, change["after"])  # what the test starts as a process of its own reads the file
        code, output = self._run(removal.test, change if replaced_code.changed_functions(**change) else None)
        self._write(module, text)
        if code == TESTS_FAILED and " failed" in output:
            return None
        return f"{removal.module} without: {removal.code}\n{removal.test} ended with {code}: {output[-600:]}"

    def _run(self, test: str, change: dict[str, str] | None = None) -> tuple[int, str]:
        """Run a test; return exit code and output."""
        output = self.folder / "output.txt"
        arguments = ["-q", "-x", "--show-capture=no", test]
        runs = self.with_application if change else self.with_libraries
        assert runs.stdin
        assert runs.stdout
        runs.stdin.write(json.dumps([arguments, str(output), change]) + "\n")
        runs.stdin.flush()
        return int(runs.stdout.readline()), output.read_text()

    def _sql(self, *statements: str) -> None:
        with psycopg.connect(self.postgres, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    @staticmethod
    def _write(module: Path, text: str) -> None:
        """Write a module; its compiled form could have the same time and size."""
        module.write_text(text)
        Path(importlib.util.cache_from_source(module)).unlink(missing_ok=True)


@contextmanager
def lane(folder: Path) -> Iterator[Lane]:
    """Copy the code, start servers with a migrated database, and the process that runs pytest."""
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    with temporary_servers(FAST_SERVER) as (postgres, valkey):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "PYTHONPATH": str(folder),
            POSTGRES_VARIABLE: postgres.url.replace(f"/{DATABASE}?", f"/{USED}?"),
            VALKEY_VARIABLE: valkey.url,
        }
        with (
            repeated_pytest(folder, environment, "libraries") as with_libraries,
            repeated_pytest(folder, environment, "application") as with_application,
        ):
            ready = Lane(folder, postgres.url, with_libraries, with_application)
            ready.prepare()
            yield ready


@contextmanager
def repeated_pytest(folder: Path, environment: Mapping[str, str], loaded: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that runs pytest again and again, with the libraries or the application loaded."""
    command = [sys.executable, "-m", "tests.drills.repeated_pytest", FIRST_TEST, loaded]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runs:
        try:
            yield runs
        finally:
            runs.kill()


def not_noticed(removals: Sequence[Removal], folder: Path) -> dict[Removal, str]:
    """Try all removals, in several lanes at a time; return those whose test does not fail, and what it did."""
    waiting = iter(removals)  # each lane takes the next
    found: dict[Removal, str] = {}

    def work(number: int) -> None:
        place = folder / str(number)
        place.mkdir()
        with lane(place) as ready:
            for removal in waiting:
                if fault := ready.fault(removal):
                    found[removal] = fault

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(work, range(PARALLEL)))
    return found


def test_each_test_fails_without_its_defence(tmp_path: Path) -> None:
    taken_out = taken_today(REMOVALS)
    found = not_noticed([*taken_out, NOTHING_REMOVED], tmp_path)
    assert "1 passed" in found.pop(NOTHING_REMOVED), "a test fails although nothing was taken out"
    print(f"\nDefences taken out: {len(taken_out)}; not noticed by their test: {len(found)}")
    assert not found, "\n\n".join(found.values())
