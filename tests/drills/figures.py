"""The figures of the drills: for each fault how much was sent, and what was lost or done twice."""

from __future__ import annotations

from dataclasses import dataclass


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


FIGURES: list[Figures] = []


def report(figures: Figures) -> None:
    """Add a row to the table that ``make drill`` prints, and check it."""
    FIGURES.append(figures)
    assert figures.sent > 0, figures
    assert figures.lost == 0, figures
    assert figures.twice <= figures.allowed_twice, figures


def table() -> list[str]:
    """The lines of the table."""
    heading = f"{'fault':<58}{'unit':<12}{'sent':>8}{'lost':>6}{'twice':>7}{'bound':>7}{'seconds':>9}"
    rows = [
        f"{row.fault:<58}{row.unit:<12}{row.sent:>8}{row.lost:>6}{row.twice:>7}{row.allowed_twice:>7}{row.seconds:>9.0f}"
        for row in FIGURES
    ]
    return [heading, *rows]
