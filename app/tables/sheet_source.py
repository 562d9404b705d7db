"""``SheetSource``: the visible sheet of a workbook, as the reader of tables asks for its cells."""

from __future__ import annotations

from typing import IO, Any

from app.kernel.messages import N_
from app.tables.cells import CellFault, read_sheet_cell
from app.tables.headings import TopRow
from app.tables.layout import Choices, Layout, RawRow
from app.tables.xlsx_reader import SheetRows, texts


class SheetSource:
    """What ``open_table`` asks of a sheet."""

    def __init__(self, stream: IO[bytes], layout: Layout, choices: Choices) -> None:
        self.rows = SheetRows(stream, layout, choices)
        self._layout = layout
        self._choices = choices

    def top_row(self, row: RawRow) -> TopRow:
        is_joined = any(cell is not None and cell.is_merged for cell in row.cells)
        return TopRow(row.number, texts(row.cells), is_joined)

    def covered(self, row: RawRow) -> set[int]:
        """Columns, from 0, below a heading that is merged with the one to its left."""
        here = [area for area in self.rows.areas if area[0] <= row.number <= area[2]]
        return {column for area in here for column in range(area[1], area[3])}

    def is_filled(self, cell: Any) -> bool:
        return cell is not None and (cell.type == "f" or str(cell.value).strip() != "")

    def value(self, name: str, cell: Any) -> Any:
        layout = self._layout
        if cell is not None and cell.is_merged and name in layout.summed:
            raise CellFault(N_("The cell is merged over several rows; write the number of each row."))
        places = layout.places.get(name)
        return read_sheet_cell(layout.kinds[name], cell, self._choices, self.rows.style, places=places)
