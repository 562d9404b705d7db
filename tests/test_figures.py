"""The table of figures: what a benchmark printed stands in it, and a new run replaces its rows alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.__main__ import NAMES
from bench.figures import PAGE, print_figure, take_printed, write_report


def rows_of(page: Path) -> list[list[str]]:
    lines = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_a_figure_is_printed_with_its_spread_and_its_aim(capsys: pytest.CaptureFixture[str]) -> None:
    print_figure("hub / bare", [0.5, 0.3, 0.4], aim="at least 0.45")
    print_figure("memory, MiB", 12.4, "{:.0f}")
    assert capsys.readouterr().out == "hub / bare: 0.40 (0.30 to 0.50; aim: at least 0.45)\nmemory, MiB: 12\n"
    assert [(each.name, each.median, each.spread) for each in take_printed()] == [
        ("hub / bare", "0.40", "0.30 to 0.50"),
        ("memory, MiB", "12", ""),
    ]
    assert take_printed() == []


def test_a_run_replaces_the_rows_of_its_benchmark_alone(tmp_path: Path) -> None:
    page = tmp_path / "figures.md"
    for benchmark, value in (("start", 9.0), ("import", 0.35), ("start", 4.2)):
        print_figure("second start, s", value)
        print_figure("ratio", [value, 1.0])
        write_report(benchmark, take_printed(), page)
    assert [row[:4] for row in rows_of(page)] == [
        ["import", "second start, s", "0.35", ""],
        ["import", "ratio", "0.68", "0.35 to 1.00"],
        ["start", "second start, s", "4.20", ""],
        ["start", "ratio", "2.60", "1.00 to 4.20"],
    ]
    assert {row[6] for row in rows_of(page)} == {"1"}
    assert re.search(r"^1\. \d+ cores .* Python 3", page.read_text(), re.MULTILINE)


def test_every_row_of_the_page_names_a_benchmark() -> None:
    assert {row[0] for row in rows_of(PAGE)} <= {*NAMES, "soak"}
