"""The table of figures: what a benchmark printed stands in it, and a new run replaces its rows alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from bench.__main__ import NAMES
from bench.figures import PAGE, print_figure, take_printed, write_report

BENCH = Path(__file__).resolve().parents[1] / "bench"


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


def printed_by(benchmark: str) -> Iterator[re.Pattern[str]]:
    """What the names of the figures look like that the code of a benchmark prints."""
    module = BENCH / ("soak.py" if benchmark == "soak" else f"bench_{benchmark}.py")
    sources = (module, BENCH / "memory.py")
    for node in chain.from_iterable(ast.walk(ast.parse(source.read_text())) for source in sources):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print_figure":
            name = node.args[0]
            parts = name.values if isinstance(name, ast.JoinedStr) else [name]
            texts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in parts]
            yield re.compile("".join(texts))


def test_each_row_of_the_page_is_printed_by_its_benchmark() -> None:
    assert {row[0] for row in rows_of(PAGE)} <= {*NAMES, "soak"}
    foreign = [row[:2] for row in rows_of(PAGE) if not any(each.fullmatch(row[1]) for each in printed_by(row[0]))]
    assert foreign == []


def test_the_sizes_of_a_deployment_are_those_of_the_page() -> None:
    figures = {(row[0], row[1]): row[2] for row in rows_of(PAGE)}
    sizes = [row for row in rows_of(PAGE.with_name("deploying.md")) if row[-1].endswith(" MiB")]
    assert len(sizes) > 5
    for names, _rate, memory in sizes:
        processes = [name.split(" ")[0] for name in names.split(", ")]
        measured = [figures["capacity", f"memory of {name} after this load, MiB"] for name in processes]
        assert memory == f"{' and '.join(measured)} MiB", names
    text = " ".join(rate for _, rate, _ in sizes)
    for name in ("imports a second of a core of web", "lists of 20 invoices a second of a core of web"):
        assert f"{figures['capacity', name]} {name.split(' a second')[0]}" in text
    assert f"{int(figures['relay', 'events a second that one relay places']):,} events" in text
    assert f"{figures['capacity', 'PDFs of 5 lines a second of a core of printer']} PDFs of 5 lines" in text
    assert f"{float(figures['capacity', 'webhooks a second of a core of webhooks']):.0f} webhooks" in text
