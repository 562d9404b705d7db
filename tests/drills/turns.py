"""The short form of the drills leaves out two thirds of those that take turns, others each day."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import pytest

TURNS = 3
DAY_VARIABLE = "DRILL_DAY"
Thing = TypeVar("Thing")


def pytest_configure() -> None:
    """Choose the day once, before workers start: all must leave out the same."""
    os.environ.setdefault(DAY_VARIABLE, str(datetime.now(UTC).toordinal()))


def taken_today(things: Sequence[Thing]) -> Sequence[Thing]:
    """The things whose turn it is; all of them in the long form."""
    return things[int(os.environ[DAY_VARIABLE]) % TURNS :: TURNS] if os.environ.get("SHORT") else things


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the drills whose turn it is not; those that name the same set-up have their turn together."""
    units = {
        item: str(marker.args[0]) if marker.args else item.nodeid
        for item in items
        if (marker := item.get_closest_marker("takes_turns"))
    }
    today = set(taken_today(list(dict.fromkeys(units.values()))))
    left_out = [item for item, unit in units.items() if unit not in today]
    if left_out:
        items[:] = [item for item in items if item not in units or units[item] in today]
        config.hook.pytest_deselected(items=left_out)
