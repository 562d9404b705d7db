"""Rows of an XLSX workbook: the visible sheet that is meant, its cells with types and formats, its limits.

It uses the cell parser of openpyxl without its read-only sheet, which trusts ``<dimension>`` and loses rows by it.
"""

from __future__ import annotations

import re
import tempfile
import warnings
import zipfile
from collections.abc import Generator, Iterator
from itertools import islice
from typing import IO, Any

import structlog
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.worksheet._reader import DATA_TAG, FORMULA_TAG, ROW_TAG, VALUE_TAG, WorkSheetParser
from openpyxl.xml.functions import iterparse

from app.kernel.messages import N_, Message
from app.tables.cells import SheetCell
from app.tables.headings import TOP_ROWS
from app.tables.layout import Choices, Layout, RawRow, TooManyColumns, UnreadableTable
from app.tables.merged_cells import Area, MergedCells, read_areas
from app.tables.number_text import NumberStyle
from app.tables.workbook_parts import check_parts

log = structlog.get_logger(__name__)

#: A character as the standard writes it; halves of surrogate pairs are no characters.
_ESCAPED = re.compile("_x(?![dD][89a-fA-F])([0-9A-Fa-f]{4})_")
#: Characters of a wrong cell in a message.
_SHOWN = 50
_MIB = 1024 * 1024
#: Rows at the top of a sheet, blank ones too, among which its filled ones are looked for.
_MOST_TOP_ROWS = 1000
#: Sheets of a workbook, and those that a message names.
_MOST_SHEETS, _SHOWN_SHEETS = 1000, 10
#: Parts of a workbook in Strict Open XML are changed in memory.
_LARGEST_STRICT = 64 * _MIB
_STRICT = b"http://purl.oclc.org/ooxml/"
#: Namespaces of Strict Open XML and those of the transitional form, which openpyxl reads.
_TRANSITIONAL = {
    b"http://purl.oclc.org/ooxml/spreadsheetml/main": b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    b"http://purl.oclc.org/ooxml/drawingml/main": b"http://schemas.openxmlformats.org/drawingml/2006/main",
    b"http://purl.oclc.org/ooxml/officeDocument/": b"http://schemas.openxmlformats.org/officeDocument/2006/",
}


class SheetRows:
    """The rows of the sheet that is meant."""

    #: openpyxl's types do not name all that is used here.
    _book: Any

    def __init__(self, stream: IO[bytes], layout: Layout, choices: Choices) -> None:
        """Open the workbook and choose the sheet.

        Raises:
            UnreadableTable: it is no workbook, it is too large, or no sheet or several sheets can be meant.
        """
        self._stream = stream
        self.style = NumberStyle()
        self._limits = layout.limits
        try:
            self._merged = check_parts(stream, layout.limits)
            self._file = _transitional(stream)
            with warnings.catch_warnings(action="ignore"):  # openpyxl warns of what it does not support: styles, names
                self._book = _Workbook(self._file, read_only=True, data_only=True, keep_links=False).open()
            sheets = [sheet for sheet in self._book.worksheets if sheet.sheet_state == "visible"]
            self._sheet = self._choose(sheets, layout, choices)
            #: The merged cells of the sheet.
            self.areas = self._read_areas()
        except UnreadableTable:
            raise
        except Exception as error:
            raise _unreadable(error) from error

    def close(self) -> None:
        """Close the workbook, and the copy of a workbook in Strict Open XML."""
        self._book.close()
        if self._file is not self._stream:
            self._file.close()

    def __iter__(self) -> Iterator[RawRow]:
        try:
            yield from self._rows(self._sheet, MergedCells(self.areas))
        except UnreadableTable:
            raise
        except Exception as error:
            raise _unreadable(error) from error

    def _choose(self, sheets: list[Any], layout: Layout, choices: Choices) -> Any:
        if choices.sheet is not None:
            for sheet in self._book.worksheets:
                if sheet.title == choices.sheet:
                    return sheet
            sentence = N_("The workbook has no sheet “%(name)s”; it has %(names)s.")
            raise UnreadableTable(Message(sentence, name=choices.sheet, names=_listed(sheets)))
        if not sheets:
            raise UnreadableTable(N_("The workbook has no visible sheet."))
        meant = [sheet for sheet in sheets if self._has_headings(sheet, layout)]
        if len(meant) > 1:
            sentence = N_("Several sheets could be meant: %(names)s. Name one with %(option)s.")
            raise UnreadableTable(Message(sentence, names=_listed(meant), option=choices.sheet_option))
        return meant[0] if meant else next((sheet for sheet in sheets if self._top(sheet)), sheets[0])

    def _has_headings(self, sheet: Any, layout: Layout) -> bool:
        return any(layout.is_heading(row) for row in self._top(sheet))

    def _top(self, sheet: Any) -> list[list[str]]:
        """The filled rows at the top of a sheet as texts."""
        found: list[list[str]] = []
        try:
            for row in islice(self._rows(sheet, MergedCells(())), _MOST_TOP_ROWS):
                titles = texts(row.cells)
                if any(title.strip() for title in titles):
                    found.append(titles)
                if len(found) >= TOP_ROWS:
                    break
        except UnreadableTable:
            # Another sheet may be the table; this one is refused when it is read.
            log.info("sheet_unreadable", sheet=sheet.title)
        return found

    def _read_areas(self) -> list[Area]:
        if self._sheet._worksheet_path not in self._merged:
            return []
        with self._sheet._get_source() as source:
            return read_areas(source, self._limits)

    def _rows(self, sheet: Any, merged: MergedCells) -> Iterator[RawRow]:
        formats: dict[int, str] = {}
        with sheet._get_source() as source:
            parser = _CellParser(
                source,
                sheet._shared_strings,
                data_only=True,
                epoch=self._book.epoch,
                date_formats=self._book._date_formats,
                timedelta_formats=self._book._timedelta_formats,
            )
            blank = 0
            for number, cells in parser.parse():
                row: list[SheetCell | None] = []
                for cell in cells:
                    if cell["data_type"] != "f" and (cell["value"] is None or not str(cell["value"]).strip()):
                        continue
                    if cell["column"] > self._limits.columns:
                        raise TooManyColumns(self._limits)
                    row += [None] * (cell["column"] - len(row))
                    style = cell["style_id"]
                    if style not in formats:
                        formats[style] = ReadOnlyCell(sheet, 1, 1, None, style_id=style).number_format
                    row[cell["column"] - 1] = SheetCell(cell["value"], cell["data_type"], formats[style])
                merged.fill(number, row)
                blank += not row
                if blank > self._limits.blank_rows:
                    sentence = N_("The file has more than %(n)s blank rows.")
                    raise UnreadableTable(Message(sentence, n=self._limits.blank_rows))
                yield RawRow(number, row)


class _Workbook(ExcelReader):
    """Opens what a table needs of a workbook: its sheets, texts and number formats.

    Charts, defined names, themes and properties are left out: openpyxl refuses a workbook for an empty chart.
    """

    def open(self) -> Any:
        self.read_manifest()
        self.read_strings()
        # Once: a cell for each use of a long text would make the work quadratic.
        self.shared_strings = [_unescaped(text) for text in self.shared_strings]
        self.read_workbook()
        if len(self.parser.sheets) > _MOST_SHEETS:
            raise UnreadableTable(Message(N_("The workbook has more than %(n)s sheets."), n=_MOST_SHEETS))
        apply_stylesheet(self.archive, self.wb)
        self.read_worksheets()
        return self.wb

    def read_chartsheet(self, _sheet: Any, _relation: Any) -> None:
        """Skip the sheet: it has no cells."""


class _CellParser(WorkSheetParser):
    """Reads rows alone: openpyxl refuses a sheet for a fault in its hyperlinks, validations or colours.

    It marks formulas without a value, which would otherwise look like empty cells, and values of no type.
    """

    def parse(self) -> Generator[Any]:
        for _, element in iterparse(self.source):
            if element.tag == ROW_TAG:
                yield self.parse_row(element)
                element.clear()
            elif element.tag == DATA_TAG:
                return

    def parse_cell(self, element: Any) -> dict[str, Any]:
        try:
            cell: dict[str, Any] = super().parse_cell(element)
        except (ValueError, OverflowError, IndexError):
            # For instance NaN or INF in a cell of numbers; the column is known by now.
            text = element.findtext(VALUE_TAG, "")
            return {"column": self.col_counter, "value": text[:_SHOWN], "data_type": "e", "style_id": 0}
        # The result "" of a formula has the type "str".
        if cell["value"] is None and cell["data_type"] != "str" and element.find(FORMULA_TAG) is not None:
            cell["data_type"] = "f"
        if isinstance(cell["value"], str) and element.get("t") != "s":
            cell["value"] = _unescaped(cell["value"])
        return cell


def _unescaped(text: str) -> str:
    """The text with the characters that XML cannot hold: spreadsheet programs write a CR as ``_x000D_``."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def texts(cells: list[Any]) -> list[str]:
    """The cells of a row of headings as texts."""
    return ["" if cell is None or cell.value is None else str(cell.value) for cell in cells]


def _transitional(stream: IO[bytes]) -> IO[bytes]:
    """The workbook in the form that openpyxl reads: Strict Open XML has other namespaces."""
    with zipfile.ZipFile(stream) as archive:
        is_strict = _STRICT in archive.read("xl/workbook.xml")
        if is_strict and sum(member.file_size for member in archive.infolist()) > _LARGEST_STRICT:
            raise UnreadableTable(N_("The workbook is too large for Strict Open XML; save it as an ordinary XLSX."))
        if is_strict:
            copy = tempfile.SpooledTemporaryFile(max_size=64 * _MIB)  # noqa: SIM115 - openpyxl reads it later
            with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
                for member in archive.infolist():
                    content = archive.read(member)
                    for strict, transitional in _TRANSITIONAL.items():
                        content = content.replace(strict, transitional)
                    target.writestr(member.filename, content)
            copy.seek(0)
            return copy
    stream.seek(0)
    return stream


def _unreadable(error: Exception) -> UnreadableTable:
    # openpyxl raises many kinds of exceptions for broken and hostile files.
    log.warning("spreadsheet_unreadable", error_kind=type(error).__name__, error=str(error)[:200])
    return UnreadableTable()


def _listed(sheets: list[Any]) -> str:
    names = ", ".join(sheet.title for sheet in sheets[:_SHOWN_SHEETS])
    return f"{names}, …" if len(sheets) > _SHOWN_SHEETS else names
