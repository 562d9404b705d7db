"""``read_mapped()``: a table by the columns that a person chose, with its headings and first values to choose from."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

from app.kernel.errors import Refusal
from app.tables.layout import Choices, Layout, Row
from app.tables.reader import open_table, refuse_ambiguous
from app.tables.uploads import read_in_child
from app.tables.user_files.column_map import ColumnMap

#: Values of a column that help to choose, and how much of each is shown.
_SAMPLES, _LONGEST_SAMPLE = 3, 40


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a file, the column that it is read as (None if it is left out), and its first values."""

    title: str
    column: str | None
    samples: Sequence[str] = ()


@dataclass(slots=True)
class MappedTable:
    """The headings of a file and its rows; or the refusal of the headings, without rows."""

    titles: list[str]
    headings: list[Heading]
    rows: list[Row] = field(default_factory=list)
    refusal: Refusal | None = None


def read_mapped(
    content: bytes,
    layout: Layout,
    choices: Choices,
    most: int,
    columns: ColumnMap,
    *,
    owner: int | None = None,
    keep_cells: bool = False,
) -> MappedTable:
    """The table in a CSV or XLSX file of the user ``owner``, at most ``most`` rows.

    Headings that ``layout.name_columns`` refuses are no error here: they are the refusal of the table.

    Args:
        keep_cells: the rows keep the texts of their cells, for a file of refused rows.

    Raises:
        UnreadableTable: the file is no table, or too large.
        PayloadTooLarge: the file takes too long to read, or too much memory.
        Busy: other files are being read.
    """
    return read_in_child(_read, content, columns.apply(layout), choices, most, keep_cells, owner=owner)


@dataclass(slots=True)
class _Names:
    """Asks a layout for the names of the columns, and keeps its answer."""

    layout: Layout
    found: list[str | None] = field(default_factory=list)
    refusal: Refusal | None = None

    def name_columns(self, number: int, titles: list[str]) -> list[str | None]:
        try:
            self.found = self.layout.name_columns(number, titles)
        except Refusal as refusal:
            self.refusal = refusal.with_traceback(None)
            self.found = [None] * len(titles)
        return self.found


def _read(content: bytes, layout: Layout, choices: Choices, most: int, keep_cells: bool) -> MappedTable:
    names = _Names(layout)
    with open_table(io.BytesIO(content), replace(layout, name_columns=names.name_columns), choices) as table:
        first = list(islice(table.rows, _SAMPLES))
        headings = list(_headings(table.headings, names.found, first))
        if names.refusal is not None:
            return MappedTable(table.headings, headings, refusal=names.refusal)
        rows = [refuse_ambiguous(row, table.style) for row in list(islice(chain(first, table.rows), most))]
    if not keep_cells:
        for row in rows:
            row.cells = []
    return MappedTable(table.headings, headings, rows)


def _headings(titles: Sequence[str], names: Sequence[str | None], rows: Sequence[Row]) -> Iterator[Heading]:
    for place, (title, name) in enumerate(zip(titles, names, strict=True)):
        if title.strip():
            yield Heading(title, name, [_sample(row.cells[place]) for row in rows if _is_filled(row, place)])


def _is_filled(row: Row, place: int) -> bool:
    return place < len(row.cells) and row.cells[place] not in {None, ""}


def _sample(cell: Any) -> str:
    return str(cell)[:_LONGEST_SAMPLE]
