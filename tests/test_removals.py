"""The defences that the drill takes out: each is in the code as the drill names it, whosever turn it is."""

from __future__ import annotations

from pathlib import Path

from tests.drills.removals import REMOVALS

ROOT = Path(__file__).parents[1]


def test_each_defence_stands_once_in_its_module() -> None:
    counts = {removal: (ROOT / removal.module).read_text().count(removal.code) for removal in REMOVALS}
    assert {removal: count for removal, count in counts.items() if count != 1} == {}
