"""``open_table()``: the rows of a CSV or XLSX file by column names, each cell with its value or its fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any

from app.kernel.messages import N_
from app.tables.cells import CellFault, read_text, shown
from app.tables.csv_reader import CsvRows
from app.tables.headings import TOP_ROWS, TopRow, find_headings
from app.tables.layout import Choices, Kind, Layout, RawRow, Row, Table, TooManyColumns, UnreadableTable
from app.tables.notes import find_note
from app.tables.number_text import NumberStyle, ambiguous, looks_grouped
from app.tables.workbook_parts import OLD_SIGNATURE, SIGNATURE

if TYPE_CHECKING:
    from app.tables.sheet_source import SheetSource


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
        from app.tables.sheet_source import SheetSource  # noqa: PLC0415 - openpyxl: most processes read no workbook

        sheet = SheetSource(stream, layout, choices)
        try:
            yield _table(sheet, layout)
        finally:
            sheet.rows.close()
    else:
        rows = CsvRows(stream, layout)
        try:
            yield _table(_CsvSource(rows, layout, choices), layout)
        finally:
            rows.detach()


class _CsvSource:
    def __init__(self, rows: CsvRows, layout: Layout, choices: Choices) -> None:
        self.rows = rows
        self._layout = layout
        self._choices = choices

    def top_row(self, row: RawRow) -> TopRow:
        return TopRow(row.number, [str(cell) for cell in row.cells])

    def covered(self, _row: RawRow) -> set[int]:
        return set()

    def is_filled(self, cell: Any) -> bool:
        return bool(cell.strip())

    def value(self, name: str, cell: Any) -> Any:
        return read_text(self._layout.kinds[name], cell, self._choices, self.rows.style)


def _table(source: _CsvSource | SheetSource, layout: Layout) -> Table:
    filled = (row for row in source.rows if row.fault or any(map(source.is_filled, row.cells)))
    top = list(islice(filled, TOP_ROWS))
    if not top:
        raise UnreadableTable(N_("The file is empty; its first row names the columns."))
    titles = [source.top_row(row) for row in top]
    place = find_headings(titles, layout)
    head = titles[place]
    if sum(bool(title.strip()) for title in head.titles) > layout.limits.columns:
        raise TooManyColumns(layout.limits)
    columns = _Columns(head, layout.name_columns(head.number, head.titles), source.covered(top[place]), layout)
    rows = (_row(source, layout, columns, raw) for raw in chain(top[place + 1 :], filled))
    return Table(head.titles, rows, source.rows.style)


class _Columns:
    """The columns of a table, from its row of headings."""

    def __init__(self, head: TopRow, names: list[str | None], covered: set[int], layout: Layout) -> None:
        self.names = names
        self.used = [name for name in names if name is not None]
        #: Columns with numbers and dates; a note has none.
        self.measured = {name for name in self.used if layout.kinds[name] in {Kind.NUMBER, Kind.DATE}}
        #: Columns, from 0, that share their heading with the column to the left.
        self.covered = covered
        self._head: list[Any] = [title or None for title in head.titles]

    def repeats(self, cells: list[Any]) -> bool:
        """Whether a row has the headings again, as at the top of each printed page."""
        return cells[:1] == self._head[:1] and cells[: len(self._head)] == self._head


def _row(source: _CsvSource | SheetSource, layout: Layout, columns: _Columns, raw: RawRow) -> Row:
    row = Row(raw.number, {}, fault=raw.fault, cells=[shown(cell) for cell in raw.cells])
    for name, cell, text in zip(columns.names, raw.cells, row.cells, strict=False):
        if name is None:
            continue
        try:
            value = source.value(name, cell)
        except CellFault as fault:
            row.faults[name] = fault.args[0]
            row.rejected[name] = text
        else:
            if value is not None:
                row.values[name] = value
            if layout.kinds[name] is Kind.NUMBER and isinstance(text, str) and looks_grouped(text):
                row.pointed[name] = text
    row.fault = row.fault or _fault(source, columns, row, raw.cells)
    if not raw.fault and columns.measured.isdisjoint(row.values):
        row.note = _note(source, layout, columns, row, raw.cells)
    return row


def _note(source: _CsvSource | SheetSource, layout: Layout, columns: _Columns, row: Row, cells: list[Any]) -> str:
    filled = {place: str(row.cells[place]) for place, cell in enumerate(cells) if source.is_filled(cell)}
    places = {name: place for place, name in enumerate(columns.names) if name is not None and place in filled}
    named = {name: filled[place] for name, place in places.items()}
    return find_note(list(filled.values()), named, is_narrow=len(columns.used) == 1, required=layout.required)


def _fault(source: _CsvSource | SheetSource, columns: _Columns, row: Row, cells: list[Any]) -> str | None:
    if columns.repeats(row.cells):
        return N_("The row has the headings again; remove it.")
    if len(cells) > len(columns.names) and any(map(source.is_filled, cells[len(columns.names) :])):
        return N_("The row has more cells than the table has columns.")
    if columns.covered and any(place < len(cells) and source.is_filled(cells[place]) for place in columns.covered):
        return N_("The row has a cell below a heading that is merged over several columns; give each column its own.")
    return None


def refuse_ambiguous(row: Row, style: NumberStyle) -> Row:
    """The row, once all rows were read: in a file with decimal commas, a ``1.250`` is a fault."""
    if style.has_commas:
        for name, text in row.pointed.items():
            row.faults.setdefault(name, ambiguous(text))
            row.rejected.setdefault(name, text)
    return row
