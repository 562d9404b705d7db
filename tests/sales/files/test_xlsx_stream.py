"""XLSX as a stream: values come back as they were, and the first bytes leave before the last row is read."""

from __future__ import annotations

import io
import random
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from app.sales.files.xlsx_stream import MAX_CELL, stream_sheet

#: Excel has no time zones.
MOMENT = datetime(2025, 1, 18, 9, 30, tzinfo=UTC).replace(tzinfo=None)


def read(rows: list[list[Any]]) -> list[list[Any]]:
    content = b"".join(stream_sheet("Invoices", rows))
    sheet = load_workbook(io.BytesIO(content))["Invoices"]
    return [list(row) for row in sheet.iter_rows(values_only=True)]


@pytest.mark.parametrize(
    "value",
    [
        "text",
        " a  b ",
        "<a>&\"'",
        "line\nline",
        "=1+1",
        "ş 漢 😀",
        7,
        -2.5,
        True,
        False,
        MOMENT,
        MOMENT.date(),
    ],
)
def test_a_value_comes_back(value: Any) -> None:
    [_, [_, found, last]] = read([["a", "b", "c"], [None, value, "end"]])
    expected = MOMENT.replace(hour=0, minute=0) if value == MOMENT.date() else value
    assert (found, last) == (expected, "end")
    assert isinstance(found, bool) == isinstance(value, bool)


def test_numbers_are_numbers_and_formulas_are_texts() -> None:
    content = b"".join(stream_sheet("S", [[Decimal("920.00"), "=HYPERLINK(1)"]]))
    number, formula = next(load_workbook(io.BytesIO(content)).active.iter_rows())
    assert (number.value, number.data_type, formula.data_type) == (920, "n", "s")


def test_characters_that_xml_forbids_are_left_out_and_long_texts_are_cut() -> None:
    assert read([["a\x00b\x1f\ufffe", "x" * 40_000]]) == [["ab", "x" * MAX_CELL]]


def test_the_first_bytes_leave_before_the_rows_are_read() -> None:
    taken = 0

    def rows() -> Iterator[list[str]]:
        nonlocal taken
        for _ in range(20_000):
            taken += 1
            yield ["".join(random.choices(string.ascii_letters, k=50)) for _ in range(3)]

    blocks = stream_sheet("S", rows())
    assert next(blocks).startswith(b"PK")
    assert taken == 0
    assert len(next(blocks)) >= 64 * 1024
    assert taken < 5000
    blocks.close()  # type: ignore[attr-defined]
