"""The figures of the benchmarks: each is printed, and ``REPORT=1`` keeps it in the table of ``docs/figures.md``."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import psutil

PAGE = Path(__file__).resolve().parents[1] / "docs" / "figures.md"
#: Packages whose versions matter most for the figures.
_PACKAGES = ("Flask", "gunicorn", "gevent", "SQLAlchemy", "psycopg", "celery", "redis", "weasyprint")
_INTRODUCTION = """\
# Figures

Each row was measured by the command of its benchmark, for example `make bench ARGS=import REPORT=1`, which prints the
figure and writes it here. A ratio compares both sides in alternating turns of one run, so it holds on other machines
too; seconds, rates and MiB are those of the machine of the row. The spread is the least and the greatest value of the
turns. Figures without a spread were measured once.
"""
_HEAD = """\
| Benchmark | Figure | Median | Spread | Aim | Date | Machine |
| --- | --- | --- | --- | --- | --- | --- |
"""
_ROW = re.compile(r"^\| (\w+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \| ([^|]*) \| ([^|]+) \| (\d+) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a benchmark, as it is printed."""

    name: str
    median: str
    spread: str = ""
    aim: str = ""


_printed: list[Figure] = []


def print_figure(name: str, values: float | Sequence[float], form: str = "{:.2f}", aim: str = "") -> None:
    """Print the median and the spread of a figure.

    Args:
        name: what was measured, with its unit; ``|`` is not allowed.
        values: one for each turn, or a single one.
        form: how a value is written.
        aim: what the median should be.
    """
    turns = [values] if isinstance(values, int | float) else list(values)
    spread = f"{form.format(min(turns))} to {form.format(max(turns))}" if len(turns) > 1 else ""
    figure = Figure(name, form.format(statistics.median(turns)), spread, aim)
    _printed.append(figure)
    notes = "; ".join(note for note in (spread, f"aim: {aim}" if aim else "") if note)
    print(f"{name}: {figure.median}{f' ({notes})' if notes else ''}", flush=True)


def take_printed() -> list[Figure]:
    """The figures that were printed since the last call."""
    taken = _printed[:]
    _printed.clear()
    return taken


def report(benchmark: str) -> None:
    """Write the figures that were printed since the last call into the table, if ``REPORT`` is set."""
    printed = take_printed()
    if os.environ.get("REPORT"):
        write_report(benchmark, printed)


def write_report(benchmark: str, figures: Sequence[Figure], page: Path = PAGE) -> None:
    """Put the figures of a benchmark into the table, in the place of its older ones."""
    date, machine = datetime.now(UTC).date().isoformat(), _machine()
    rows = [row for row in _rows(page) if row[0] != benchmark]
    rows += [(benchmark, each.name, each.median, each.spread, each.aim, date, machine) for each in figures]
    rows.sort(key=lambda row: row[0])  # the figures of a benchmark keep their order
    machines = sorted({row[-1] for row in rows})
    table = "".join(f"| {' | '.join(row[:-1])} | {machines.index(row[-1]) + 1} |\n" for row in rows)
    numbered = "".join(f"{number}. {each}\n" for number, each in enumerate(machines, 1))
    page.write_text(f"{_INTRODUCTION}\n{_HEAD}{table}\n## Machines\n\n{numbered}")


def _rows(page: Path) -> list[tuple[str, ...]]:
    """The rows of the table, each with its machine in full."""
    if not page.exists():
        return []
    text = page.read_text()
    machines = dict(re.findall(r"^(\d+)\. (.+)$", text, re.MULTILINE))
    return [(*cells, machines[number]) for *cells, number in _ROW.findall(text)]


def _machine() -> str:
    """Processor, memory and versions of this machine."""
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    processor = _processor()
    return f"{os.cpu_count()} cores ({processor}), {memory:.0f} GiB, Python {platform.python_version()}, {versions}"


def _processor() -> str:
    found = re.search(r"^Model name:\s*(.+)$", subprocess.check_output(["lscpu"], text=True), re.MULTILINE)
    return found.group(1).replace("|", "/") if found else platform.machine()
