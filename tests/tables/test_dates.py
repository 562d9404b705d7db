"""Formats of dates."""

from __future__ import annotations

from datetime import date

import pytest

from app.kernel.errors import BadRequest
from app.tables.dates import DateFormat


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dd.mm.yyyy", "20.11.2026"),
        ("DD/MM/YYYY", "20/11/2026"),
        ("mm/dd/yyyy", "11/20/2026"),
        ("yyyy-mm-dd", "2026-11-20"),
        ("dd.mm.yyyy", "20.11.2026 00:00:00"),
    ],
)
def test_a_day_is_read(name: str, text: str) -> None:
    assert DateFormat.parse(name).read(text) == date(2026, 11, 20)


@pytest.mark.parametrize("text", ["11/20/2026", "20.13.2026", "31.02.2026", "20.11.26", "20.11.2026 12:30", "x"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert DateFormat.parse("dd.mm.yyyy").read(text) is None


@pytest.mark.parametrize("name", ["", "dd.mm", "dd.mm.yy", "dd.dd.yyyy", "dd.mm.yyyy hh", "d.m.yyyy", "(dd)mm.yyyy"])
def test_other_formats_are_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        DateFormat.parse(name)
