"""Merged cells: each row has what a person sees in it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from app.tables.layout import UnreadableTable
from tests.tables.tables import LIMITS, read, values, workbook
from tests.tables.test_xlsx_reader import MARCH, rewritten

HEAD = ("code", "note", "length", "day")
FAULT = "The row has a cell below a heading that is merged over several columns; give each column its own."


def merge(*ranges: str) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        for area in ranges:
            book.active.merge_cells(area)

    return change


def hidden(*ranges: str) -> Callable[[str, bytes], bytes]:
    """Merge cells and keep what they hide, as some programs do."""

    def change(name: str, raw: bytes) -> bytes:
        areas = b"".join(b'<mergeCell ref="%s"/>' % area.encode() for area in ranges)
        return raw.replace(b"</sheetData>", b"</sheetData><mergeCells>%s</mergeCells>" % areas)

    return change


def test_a_merged_cell_counts_for_each_of_its_rows() -> None:
    rows = [(code, note, length, MARCH) for code, note, length in (("A", "red", 1), (None, None, 2), (None, "blue", 3))]
    assert values(workbook(HEAD, *rows, change=merge("A2:A4", "B2:B3", "D2:D4"))) == [
        {"code": "A", "note": note, "length": Decimal(length), "day": "2026-03-12"}
        for note, length in (("red", 1), ("red", 2), ("blue", 3))
    ]


def test_areas_in_any_order_and_below_each_other() -> None:
    rows = [("A", "x", 1), (None, "x", 2), ("B", "x", 3), (None, "x", 4)]
    found = values(workbook(HEAD, *rows, change=merge("A4:A5", "A2:A3")))
    assert [row["code"] for row in found] == ["A", "A", "B", "B"]


def test_rows_that_only_merged_cells_fill_are_one_row() -> None:
    found = values(workbook(HEAD, ("A", "x", 1), (), ("B", "y", 2), change=merge("A2:A3", "B2:B3", "C2:C3")))
    assert found == [{"code": "A", "note": "x", "length": 1}, {"code": "B", "note": "y", "length": 2}]


def test_what_a_merged_cell_hides_is_not_read() -> None:
    content = rewritten(workbook(HEAD, ("A", "x", 1), ("Z", "y", 2), ("B", "old", 3)), hidden("A2:A3", "A4:B4"))
    assert values(content) == [
        {"code": "A", "note": "x", "length": 1}, {"code": "A", "note": "y", "length": 2}, {"code": "B", "length": 3}
    ]  # fmt: skip


def test_a_number_over_several_rows_can_be_their_sum() -> None:
    first, second = read(workbook(HEAD, ("A", "x", 100), ("B", "y"), change=merge("C2:C3")))
    assert first.values["length"] == 100
    assert second.faults == {"length": "The cell is merged over several rows; write the number of each row."}


def test_a_heading_over_several_columns_is_no_heading_of_the_second() -> None:
    head = ("code", None, "length")
    [row] = read(workbook(head, ("A", "x", 1), change=merge("A1:B1")))
    assert row.fault == FAULT
    assert values(workbook(head, ("A", None, 1), change=merge("A1:B1"))) == [{"code": "A", "length": 1}]


def test_headings_of_two_levels() -> None:
    rows = (("code", "of a roll"), (None, "note", "length"), ("A", "x", 1))
    assert values(workbook(*rows, change=merge("A1:A2", "B1:C1"))) == [{"code": "A", "note": "x", "length": 1}]


@pytest.mark.parametrize("area", ["A2:XFD1048576", "2:1048576"])
def test_an_area_over_all_rows_leaves_its_first_cell(area: str) -> None:
    content = rewritten(workbook(HEAD, ("A", "x", 1), ("B", "y", 2)), hidden(area))
    assert values(content) == [{"code": "A"}]


def test_too_many_areas_are_refused() -> None:
    areas = [f"A{row}:XFD{row}" for row in range(2, 2 + LIMITS.elements // LIMITS.columns)]
    with pytest.raises(UnreadableTable, match="more than 100000 cells"):
        read(rewritten(workbook(HEAD, ("A", "x", 1)), hidden(*areas, "A1:B1")))
