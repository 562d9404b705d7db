"""XLSX as a stream: rows are written and compressed as they come, so the first bytes leave at once.

openpyxl writes the parts of the file that do not depend on the rows, and the styles of dates.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, cast
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel

#: Bytes after which compressed content is passed on.
BLOCK = 64 * 1024
#: Characters that a cell can hold.
MAX_CELL = 32_767
_SHEET = "xl/worksheets/sheet1.xml"
_ROWS = re.compile(rb"<sheetData\s*/>|<sheetData>.*</sheetData>", re.DOTALL)
_STYLE = re.compile(rb'<c r="([AB])1"[^>]*\bs="(\d+)"')
_DIMENSION = re.compile(rb'<dimension ref="[^"]*"\s*/>')
#: Characters that XML does not allow; lone halves of pairs cannot be in the database.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class _Sink:
    """Collects what the archive writes until it is passed on; it cannot go back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing to do: ``take`` passes the content on."""

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        self.size = 0
        return taken


def stream_sheet(title: str, rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The bytes of a file with one sheet: texts, numbers, booleans, dates and times."""
    # Before the stream begins: openpyxl needs a temporary file, and a full disk can still be told.
    parts, styles = _frame(title)
    return _stream(dict(parts), styles, rows)


def _stream(parts: dict[str, bytes], styles: dict[type, str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    before, after = _ROWS.split(parts.pop(_SHEET))
    sink = _Sink()
    with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        yield sink.take()
        with archive.open(_SHEET, "w") as sheet:
            sheet.write(before + b"<sheetData>")
            for number, row in enumerate(rows, 1):
                sheet.write(_row(number, row, styles))
                if sink.size >= BLOCK:
                    yield sink.take()
            sheet.write(b"</sheetData>" + after)
    yield sink.take()


def _frame(title: str) -> tuple[dict[str, bytes], dict[type, str]]:
    """The parts of a workbook without rows, and the numbers of its styles of times and dates."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = title
    sheet["A1"], sheet["B1"] = datetime(2000, 1, 1), date(2000, 1, 1)  # noqa: DTZ001 - Excel has no time zones
    file = io.BytesIO()
    book.save(file)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    styles = {cell: number.decode() for cell, number in _STYLE.findall(parts[_SHEET])}
    parts[_SHEET] = _DIMENSION.sub(b"", parts[_SHEET])
    return parts, {datetime: styles[b"A"], date: styles[b"B"]}


def _row(number: int, values: Sequence[Any], styles: dict[type, str]) -> bytes:
    cells = (_cell(f"{get_column_letter(column)}{number}", value, styles) for column, value in enumerate(values, 1))
    return f'<row r="{number}">{"".join(cells)}</row>'.encode()


def _cell(place: str, value: Any, styles: dict[type, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float | Decimal):
        return f'<c r="{place}"><v>{value}</v></c>'
    if isinstance(value, date):  # a datetime too
        kind = datetime if isinstance(value, datetime) else date
        return f'<c r="{place}" s="{styles[kind]}"><v>{to_excel(value)}</v></c>'  # type: ignore[no-untyped-call]
    # Text, even if it looks like a formula.
    text = escape(_FORBIDDEN.sub("", str(value))[:MAX_CELL], {"\r": "&#13;"})
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
