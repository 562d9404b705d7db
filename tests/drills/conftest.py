"""Fixture of the drills: one hub for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drills.hubs import DrillHub, drill_hub


@pytest.fixture(scope="session")
def hub() -> Iterator[DrillHub]:
    """Two web processes on ports of their own, a worker, beat, and the servers behind them."""
    with drill_hub() as running:
        yield running
