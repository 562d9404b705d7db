"""Merged cells of a sheet: a person sees the first cell's value in each row that the merged cell covers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import IO
from xml.parsers import expat

from openpyxl.utils.cell import range_boundaries

from app.kernel.messages import N_, Message
from app.tables.cells import SheetCell
from app.tables.layout import Limits, UnreadableTable

#: First row, first column, last row, last column; they count from 1.
Area = tuple[int, int, int, int]
_LAST_ROW = 1_048_576


def read_areas(sheet: IO[bytes], limits: Limits) -> list[Area]:
    """The merged cells of a sheet; they stand behind its rows, so the whole part is read.

    Raises:
        UnreadableTable: they cover too many columns together.
    """
    areas: list[Area] = []
    size = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal size
        if name.rpartition(":")[2] != "mergeCell":
            return
        # Whole columns have no rows, whole rows no columns.
        first_column, first_row, last_column, last_row = range_boundaries(attributes["ref"])
        first_column, first_row = first_column or 1, first_row or 1
        last_column, last_row = min(last_column or limits.columns, limits.columns), last_row or _LAST_ROW
        size += last_column - first_column + 1
        if size > limits.elements:
            raise UnreadableTable(Message(N_("The spreadsheet has more than %(n)s cells."), n=limits.elements // 2))
        areas.append((first_row, first_column, last_row, last_column))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.ParseFile(sheet)
    return areas


class MergedCells:
    """Fills the merged cells of a sheet; the rows are given in their order."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self._coming = deque(sorted(areas))
        #: Column -> last row of the area that covers it, and the value for its rows.
        self._open: dict[int, tuple[int, SheetCell | None]] = {}

    def fill(self, number: int, row: list[SheetCell | None]) -> None:
        """Write the values of merged cells into the row, if it has another cell; what they hide is removed."""
        if not row or (not self._coming and not self._open):
            return  # a blank row stays blank; areas that begin in it are found at the next row
        values = self._values_above(number)
        for column in values:
            if column <= len(row):
                row[column - 1] = None
        self._open_areas(number, row)
        while row and row[-1] is None:
            row.pop()
        if row:
            for column, value in values.items():
                if value is not None:
                    row += [None] * (column - len(row))
                    row[column - 1] = value

    def _values_above(self, number: int) -> dict[int, SheetCell | None]:
        """The columns that areas from rows above cover."""
        while self._coming and self._coming[0][0] < number:
            # The sheet has no cells in the first row of this area, so its value is blank.
            self._cover(self._coming.popleft(), None)
        self._open = {column: entry for column, entry in self._open.items() if entry[0] >= number}
        return {column: value for column, (_, value) in self._open.items()}

    def _open_areas(self, number: int, row: list[SheetCell | None]) -> None:
        while self._coming and self._coming[0][0] == number:
            area = self._coming.popleft()
            first, last = area[1], area[3]
            value = row[first - 1] if first <= len(row) else None
            for column in range(first, min(last, len(row))):
                row[column] = None
            self._cover(area, value)

    def _cover(self, area: Area, value: SheetCell | None) -> None:
        first_row, first, last_row, last = area
        if last_row == first_row:
            return
        for column in range(first, last + 1):
            self._open[column] = (last_row, None)
        if value is not None:
            self._open[first] = (last_row, value._replace(is_merged=True))
