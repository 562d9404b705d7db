"""Turns of drills: within as many days as there are turns, the short form runs each drill."""

from __future__ import annotations

from unittest import mock

import pytest

from tests.drills import turns


def a_drill(name: str, mark: pytest.MarkDecorator | None) -> mock.Mock:
    return mock.Mock(nodeid=name, get_closest_marker=lambda _name: mark and mark.mark)


TAKES_TURNS = pytest.mark.takes_turns
DRILLS = [
    a_drill("kill", None),
    *(a_drill(f"page {n}", TAKES_TURNS) for n in range(4)),
    a_drill("size of the image", TAKES_TURNS("image")),
    a_drill("health of the image", TAKES_TURNS("image")),
]


def run_on(day: int, monkeypatch: pytest.MonkeyPatch, *, short: bool = True) -> list[str]:
    monkeypatch.setenv("SHORT", "1" if short else "")
    monkeypatch.setenv(turns.DAY_VARIABLE, str(day))
    items = list(DRILLS)
    turns.pytest_collection_modifyitems(mock.Mock(), items)
    return [item.nodeid for item in items]


def test_each_drill_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    days = [run_on(day, monkeypatch) for day in range(5, 5 + turns.TURNS)]
    assert all("kill" in day for day in days)
    assert sorted(name for day in days for name in day if name != "kill") == sorted(
        drill.nodeid for drill in DRILLS if drill.nodeid != "kill"
    )
    assert all(("size of the image" in day) == ("health of the image" in day) for day in days)


def test_the_long_form_leaves_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_on(0, monkeypatch, short=False) == [drill.nodeid for drill in DRILLS]
