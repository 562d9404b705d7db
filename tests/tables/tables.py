"""Helpers: a layout of three columns, files in memory, and what the reader makes of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl

from app.tables.layout import Choices, Kind, Layout, Limits, Row
from app.tables.reader import open_table, refuse_ambiguous

LIMITS = Limits(unpacked_bytes=8 * 2**20, elements=200_000, columns=50, blank_rows=1000)


def name_columns(_number: int, titles: list[str]) -> list[str | None]:
    return [title if title in {"code", "note", "length", "day"} else None for title in titles]


LAYOUT = Layout(
    name_columns,
    is_heading=lambda titles: "code" in titles,
    is_known=lambda title: title in {"code", "note", "length", "day"},
    kinds={"code": Kind.CODE, "note": Kind.TEXT, "length": Kind.NUMBER, "day": Kind.DATE},
    places={"length": 2},
    required=frozenset({"code"}),
    summed=frozenset({"length"}),
    limits=LIMITS,
)


def read(content: bytes | str, **choices: Any) -> list[Row]:
    raw = content.encode() if isinstance(content, str) else content
    with open_table(io.BytesIO(raw), LAYOUT, Choices(**choices)) as table:
        return [refuse_ambiguous(row, table.style) for row in list(table.rows)]


def values(content: bytes | str, **choices: Any) -> list[dict[str, Any]]:
    """The values of all rows, of which none has a fault."""
    rows = read(content, **choices)
    assert not [row for row in rows if row.fault or row.faults]
    return [row.values for row in rows]


def workbook(*rows: tuple[Any, ...], change: Callable[[Any], None] = lambda _book: None) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    change(book)
    book.save(out)
    return out.getvalue()
