"""Rows that are no data: notes and signatures below a table, and headings that come again."""

from __future__ import annotations

import pytest

from app.tables.layout import Row
from tests.tables.tables import read, workbook

HEAD = ("code", "note", "length", "day")


def last(*cells: object) -> Row:
    return read(workbook(HEAD, ("A", "x", 1), (), cells))[-1]


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        (("Prepared by: Ali",), "Prepared by: Ali"),
        (("Note: two rolls are wet",), "Note: two rolls are wet"),
        (("Page 1 of 2",), "Page 1 of 2"),
        (("Hazırlayan",), "Hazırlayan"),
        (("备注：一卷",), "备注：一卷"),
        ((None, "checked 3 times"), "checked 3 times"),
        ((None, None, None, None, None, "Ali"), "Ali"),
        (("Prepared by", "Checked by"), "Prepared by | Checked by"),
        (("Prepared by: Ali", None, "Checked by: Veli"), "Prepared by: Ali | Checked by: Veli"),
    ],
)
def test_a_note_below_the_table_is_told(cells: tuple[object, ...], text: str) -> None:
    assert last(*cells).note == text


@pytest.mark.parametrize(
    "cells", [("R102",), ("R 102",), ("R-1", "wet on one side"), ("A: 1", "x", 5), ("Ali", "Veli"), ("SAMPLE", None, 2)]
)
def test_a_row_of_data_is_no_note(cells: tuple[object, ...]) -> None:
    row = last(*cells)
    assert (row.note, row.fault) == ("", None)


def test_a_table_of_one_column_has_no_notes() -> None:
    assert [row.note for row in read("code\nAli\nPrepared by: Ali\n")] == ["", ""]


def test_the_headings_of_the_next_printed_page_are_no_data() -> None:
    data = "".join(f"R{count},x,1\n" for count in range(30))
    rows = read(f"code,note,length\n{data}code,note,length\nR30,x,1\n")
    assert rows[30].fault == "The row has the headings again; remove it."
    assert [row.number for row in rows if row.fault] == [32]
