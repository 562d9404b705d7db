"""Files that were made to cost their reader much: each is refused with its reason, or read in linear time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.grn.receipts.roll_files import _LAYOUT as LAYOUT
from app.tables import uploads
from app.tables.layout import Choices, UnreadableTable
from tests.tables import hostile_files as hostile
from tests.timing import assert_linear


def read(content: bytes) -> list[Any]:
    return uploads.read_rows(content, LAYOUT, Choices(), 10_001)


def try_to_read(content: bytes) -> None:
    """Read a file that may be refused."""
    try:
        read(content)
    except UnreadableTable:
        return


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda: hostile.shared_strings(1_000_001), "1000000 cells", id="shared strings"),
        pytest.param(lambda: hostile.blank_rows(20_001), "20000 blank rows", id="blank rows"),
        pytest.param(lambda: hostile.columns(16_384), "200 columns", id="columns"),
        pytest.param(lambda: hostile.last_column(1), "200 columns", id="last column"),
        pytest.param(hostile.entities, "cannot be read", id="entities"),
        pytest.param(lambda: hostile.entries(10_000), "10000 parts", id="entries"),
        pytest.param(lambda: hostile.bomb(64), "64 MiB", id="bomb"),
        pytest.param(lambda: hostile.merged_cells(2_000_001), "1000000 cells", id="merged cells"),
        pytest.param(lambda: hostile.wide_merged_cells(10_001), "1000000 cells", id="wide merged cells"),
        pytest.param(lambda: hostile.sheets(1000), "1000 sheets", id="sheets"),
        pytest.param(lambda: hostile.cdata(2), "million characters", id="CDATA"),
        pytest.param(lambda: hostile.comment(2), "million characters", id="comment"),
        pytest.param(lambda: hostile.comment(2, encoding="utf-16"), "cannot be read", id="comment in UTF-16"),
        pytest.param(lambda: hostile.long_text(3), "million characters", id="text"),
        pytest.param(lambda: hostile.long_attribute(3), "million characters", id="attribute"),
        pytest.param(lambda: hostile.csv_line(2), "Row 2 has more than a million characters", id="CSV of one line"),
        pytest.param(lambda: hostile.csv_blank_lines(20_001), "20000 blank rows", id="CSV of blank lines"),
        pytest.param(lambda: b"\n" * 20_001, "20000 blank rows", id="CSV that begins with blank lines"),
    ],
)
def test_a_file_beyond_a_limit_is_refused_with_its_reason(make: Callable[[], bytes], words: str) -> None:
    content = make()
    with pytest.raises(UnreadableTable) as refused:
        read(content)
    assert words in str(refused.value.message)


@pytest.mark.parametrize(
    ("make", "count"),
    [
        pytest.param(hostile.dimension, 1, id="dimension"),
        pytest.param(lambda: hostile.nested_in_strings(1000), 1, id="nested texts"),
        pytest.param(lambda: hostile.external_links(1000), 1, id="external links"),
        pytest.param(lambda: hostile.cdata(1, size=1000), 2, id="CDATA"),
        pytest.param(lambda: hostile.cdata(1, size=1000, text="<!-- </row> "), 2, id="comment in CDATA"),
        pytest.param(lambda: hostile.comment(1, size=1000, text="<![CDATA[ > "), 1, id="CDATA in comment"),
        pytest.param(lambda: hostile.picture(3), 1, id="large picture"),
        pytest.param(lambda: hostile.csv_rolls(100), 100, id="CSV"),
    ],
)
def test_a_file_within_the_limits_is_read(make: Callable[[], bytes], count: int) -> None:
    assert len(read(make())) == count


def test_a_message_names_a_few_sheets_only() -> None:
    with pytest.raises(UnreadableTable, match="Several sheets") as refused:
        read(hostile.sheets(300))
    assert len(str(refused.value.message)) < 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "size"),
    [
        (hostile.comment, 2),
        (hostile.cdata, 2),
        (hostile.long_attribute, 2),
        (hostile.attributes, 200_000),
        (hostile.long_row_number, 3_000_000),
        (hostile.entries, 8000),
        (hostile.sheets, 1000),
        (hostile.rich_text, 500),
        (hostile.csv_blank_lines, 100_000),
        (hostile.csv_cells, 500_000),
        (hostile.csv_quotes, 100_000),
        (hostile.csv_open_quotes, 500),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_twice_the_file_takes_twice_the_time(make: Any, size: int) -> None:
    assert_linear(try_to_read, make, size)
