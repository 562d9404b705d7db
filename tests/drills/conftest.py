"""Fixture of the drills: one hub for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drills.figures import table
from tests.drills.hubs import DrillHub, drill_hub


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
