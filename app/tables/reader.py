"""``open_table()``: the rows of a CSV or XLSX file by column names, each cell with its value or its fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from app.kernel.messages import N_
from app.tables.cells import CellFault, read_sheet_cell, read_text, shown
from app.tables.csv_reader import CsvRows
from app.tables.layout import Choices, Kind, Layout, RawRow, Row, Table, UnreadableTable
from app.tables.number_text import NumberStyle, ambiguous, looks_grouped
from app.tables.xlsx_reader import OLD_SIGNATURE, SIGNATURE, SheetRows, texts


@contextmanager
def open_table(stream: IO[bytes], layout: Layout, choices: Choices) -> Iterator[Table]:
    """The table in ``stream``, a file that can be read twice; its content tells whether it is CSV or XLSX.

    A person's view is what counts: hidden sheets are not read, and a cell that shows an error, or that the program
    turned into something else, is a fault of its row.

    Raises:
        UnreadableTable: the file is no table, or too large. ``layout.name_columns`` raises its own errors.
    """
    head = stream.read(4)
    stream.seek(0)
    if head == OLD_SIGNATURE:
        raise UnreadableTable(N_("The file is an old Excel workbook, or has a password; save it as XLSX."))
    if head == SIGNATURE:
        sheet = SheetRows(stream, layout, choices)
        try:
            yield _table(_SheetSource(sheet, choices), layout)
        finally:
            sheet.close()
    else:
        rows = CsvRows(stream)
        try:
            yield _table(_CsvSource(rows, choices), layout)
        finally:
            rows.detach()


class _CsvSource:
    def __init__(self, rows: CsvRows, choices: Choices) -> None:
        self.rows = rows
        self._choices = choices

    def headings(self, row: RawRow) -> list[str]:
        return [str(cell) for cell in row.cells]

    def is_filled(self, cell: Any) -> bool:
        return bool(cell.strip())

    def value(self, kind: Kind, cell: Any, _places: int | None) -> Any:
        return read_text(kind, cell, self._choices, self.rows.style)


class _SheetSource:
    def __init__(self, rows: SheetRows, choices: Choices) -> None:
        self.rows = rows
        self._choices = choices

    def headings(self, row: RawRow) -> list[str]:
        return texts(row.cells)

    def is_filled(self, cell: Any) -> bool:
        return cell is not None and (cell.type == "f" or str(cell.value).strip() != "")

    def value(self, kind: Kind, cell: Any, places: int | None) -> Any:
        return read_sheet_cell(kind, cell, self._choices, self.rows.style, places=places)


def _table(source: _CsvSource | _SheetSource, layout: Layout) -> Table:
    filled = (row for row in source.rows if row.fault or any(map(source.is_filled, row.cells)))
    head = next(filled, None)
    if head is None:
        raise UnreadableTable(N_("The file is empty; its first row names the columns."))
    headings = source.headings(head)
    names = layout.name_columns(head.number, headings)
    rows = (_row(source, layout, names, raw) for raw in filled)
    return Table(headings, rows, source.rows.style)


def _row(source: _CsvSource | _SheetSource, layout: Layout, names: list[str | None], raw: RawRow) -> Row:
    row = Row(raw.number, {}, fault=raw.fault, cells=[shown(cell) for cell in raw.cells])
    for name, cell, text in zip(names, raw.cells, row.cells, strict=False):
        if name is None:
            continue
        try:
            value = source.value(layout.kinds[name], cell, layout.places.get(name))
        except CellFault as fault:
            row.faults[name] = fault.args[0]
            row.rejected[name] = text
        else:
            if value is not None:
                row.values[name] = value
            if layout.kinds[name] is Kind.NUMBER and isinstance(text, str) and looks_grouped(text):
                row.pointed[name] = text
    if any(map(source.is_filled, raw.cells[len(names) :])):
        row.fault = row.fault or N_("The row has more cells than the table has columns.")
    return row


def refuse_ambiguous(row: Row, style: NumberStyle) -> Row:
    """The row, once all rows were read: in a file with decimal commas, a ``1.250`` is a fault."""
    if style.has_commas:
        for name, text in row.pointed.items():
            row.faults.setdefault(name, ambiguous(text))
            row.rejected.setdefault(name, text)
    return row
