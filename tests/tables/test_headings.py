"""The row of headings below a title, in CSV files and workbooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from app.tables.layout import UnreadableTable
from tests.tables.tables import read, values, workbook

HEAD = ("code", "note", "length")


def as_csv(separator: str) -> Callable[..., str]:
    def write(*rows: tuple[Any, ...]) -> str:
        out = io.StringIO()
        csv.writer(out, delimiter=separator).writerows(rows)
        return out.getvalue()

    return write


every_kind = pytest.mark.parametrize(
    "make", [workbook, as_csv(","), as_csv(";"), as_csv("\t")], ids=["xlsx", "comma", "semicolon", "tab"]
)


@every_kind
@pytest.mark.parametrize(
    "above",
    [
        [("Acme Textiles, Ltd",)],
        [("Acme; Co",), (), ("Packing list", None, "12.03.2026"), ()],
        [(), ("List of codes",)],
        [(f"line {count}", "x, y") for count in range(19)],
    ],
)
def test_a_title_can_stand_above_the_headings(make: Callable[..., Any], above: list[tuple[Any, ...]]) -> None:
    rows = read(make(*above, HEAD, ("A", "x", 1), ("B", "y", 2)))
    assert [(row.number - len(above), row.values["code"], row.fault) for row in rows] == [
        (2, "A", None),
        (3, "B", None),
    ]


@every_kind
def test_two_rows_that_can_be_the_headings_are_not_guessed(make: Callable[..., Any]) -> None:
    with pytest.raises(UnreadableTable, match="Rows 2 and 4 can both be the headings"):
        read(make(("Example",), HEAD, ("A", "x", 1), ("code", "length"), ("B", 2)))


@every_kind
def test_headings_further_down_are_not_looked_for(make: Callable[..., Any]) -> None:
    above = [(f"line {count}",) for count in range(20)]
    assert [row.values for row in read(make(*above, HEAD, ("A", "x", 1)))][-1] == {}


def test_an_unclosed_quotation_mark_below_a_title_loses_its_own_row_only() -> None:
    rows = read('Acme\ncode,note,length\nA,"one,1\nB,two,2\nC,three,3\nD,"four",4\n')
    assert [(row.values.get("code"), bool(row.fault)) for row in rows] == [
        ("A", True), ("B", False), ("C", False), ("D", False)
    ]  # fmt: skip


def test_the_sheet_with_headings_below_a_title_is_meant() -> None:
    def add(book: Any) -> None:
        sheet = book.create_sheet("Codes")
        for row in (("Acme",), (), HEAD, ("B", "x", 1)):
            sheet.append(row)

    assert values(workbook(("Summary", 5), change=add)) == [{"code": "B", "note": "x", "length": 1}]


def test_a_wide_sheet_beside_the_table_does_not_matter() -> None:
    def add(book: Any) -> None:
        book.create_sheet("Pivot", 0).append(range(60))

    assert values(workbook(HEAD, ("B", "x", 1), change=add)) == [{"code": "B", "note": "x", "length": 1}]
