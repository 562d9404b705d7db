"""CI runs each test: whatever markers a test has, exactly one of the commands of ``.ci/run`` selects it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from itertools import chain, combinations
from pathlib import Path

from _pytest.mark.expression import Expression

ROOT = Path(__file__).resolve().parents[1]


def own_markers() -> list[str]:
    """The markers that the project declares."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    return [line.partition(":")[0] for line in declared]


def selections() -> list[str]:
    """The expression of markers in each call of pytest that ``.ci/run`` makes."""
    found = []
    clean = {"PATH": os.environ["PATH"]}  # without the variables of the `make` that runs this test
    for command in re.findall(r"^make (?:test|drill)\b.*$", (ROOT / ".ci/run").read_text(), re.MULTILINE):
        dry = [*shlex.split(command), "--dry-run"]
        shown = subprocess.run(dry, cwd=ROOT, env=clean, check=True, capture_output=True, text=True).stdout
        found += re.findall(r' -m pytest -m "([^"]+)"', shown)
    return found


def test_each_combination_of_markers_is_run_once() -> None:
    expressions = selections()
    assert len(expressions) == len(set(expressions)) > 1
    markers = [name for name in own_markers() if any(re.search(rf"\b{name}\b", each) for each in expressions)]
    assert {"drill", "slow"} <= set(markers)
    for chosen in chain.from_iterable(combinations(markers, count) for count in range(len(markers) + 1)):
        selected = [each for each in expressions if Expression.compile(each).evaluate(chosen.__contains__)]
        assert len(selected) == 1, f"tests with the markers {chosen} are run by {selected}"


def test_each_marker_has_tests() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    assert [name for name in own_markers() if f"mark.{name}" not in sources] == []
