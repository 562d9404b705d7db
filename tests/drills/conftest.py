"""Order of the drills, one hub for all of them, and the table of their figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.figures import table
from tests.drills.hubs import DrillHub, drill_hub


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder first: one that takes minutes at the end would leave the other workers idle."""
    items.sort(key=lambda item: Path(__file__).parent not in item.path.parents)


@pytest.fixture(scope="session")
def hub() -> Iterator[DrillHub]:
    """Two web processes on ports of their own, a worker, beat, and the servers behind them."""
    with drill_hub() as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one table of all figures."""
    if lines := table():
        terminalreporter.section("figures of the drills")
        for line in lines:
            terminalreporter.write_line(line)
