"""The figures of the drills: for each fault how much was sent, and what was lost or done twice."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figures:
    """Figures of one fault. ``allowed_twice`` is the bound of what may be done twice."""

    fault: str
    unit: str
    sent: int
    lost: int
    twice: int = 0
    allowed_twice: int = 0
    seconds: float = 0


#: The rows of all runs of one `make drill`, which clears the file.
FILE = Path(__file__).resolve().parents[2] / ".pytest_cache" / "drill-figures.jsonl"


def report(figures: Figures) -> None:
    """Add a row to the table that ``make drill`` prints, and check it."""
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("a") as file:
        file.write(json.dumps(asdict(figures)) + "\n")
    assert figures.sent > 0, figures
    assert figures.lost == 0, figures
    assert figures.twice <= figures.allowed_twice, figures


def table() -> list[str]:
    """The lines of the table; none without figures."""
    if not FILE.exists():
        return []
    heading = f"{'fault':<58}{'unit':<12}{'sent':>8}{'lost':>6}{'twice':>7}{'bound':>7}{'seconds':>9}"
    found = [Figures(**json.loads(line)) for line in FILE.read_text().splitlines()]
    rows = [
        f"{row.fault:<58}{row.unit:<12}{row.sent:>8}{row.lost:>6}{row.twice:>7}{row.allowed_twice:>7}{row.seconds:>9.0f}"
        for row in found
    ]
    return [heading, *rows]
