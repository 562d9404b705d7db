"""Reader for packing lists in CSV and XLSX files; errors carry the row number of the file."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import openpyxl
import structlog
from marshmallow import ValidationError

from app.grn.errors import UnreadableFile
from app.grn.models.columns import PLACES, WHOLE_DIGITS
from app.grn.receipts.item_builder import Data
from app.grn.schemas.receipts import MAX_ROLLS, NewRollSchema
from app.kernel.csv_dialect import detect_delimiter, parse_cell
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message

log = structlog.get_logger(__name__)

#: Limit of the unpacked size of a spreadsheet (a ZIP file), in bytes; it is checked before the file is read.
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_COLUMNS = 50
_ZIP_SIGNATURE = b"PK\x03\x04"
_SHEET_FOLDER = "xl/worksheets/"
#: A cell with a formula and no value. A formula with an empty text as its result has the type ``str``.
_FORMULA_WITHOUT_VALUE = re.compile(
    rb"""<c(?:\s(?!t="str")[\w:]+="[^"]*")*>\s*<f\b[^>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"""
)

_schema = NewRollSchema()
#: Normalised column title to field name: ``Supplier Roll No``, ``supplier_roll_no`` and ``supplierRollNo`` are equal.
_COLUMNS = {
    re.sub(r"\W|_", "", str(field.data_key or name)).lower(): str(field.data_key or name)
    for name, field in _schema.fields.items()
    if name != "extra"
}

Row = tuple[int, list[Any]]


def read_rolls(content: bytes) -> list[Data]:
    """Read the rolls of a CSV (UTF-8; comma, semicolon or tab) or an XLSX (first sheet) with a header row.

    Raises:
        UnreadableFile: the file is neither CSV nor XLSX, has no header row, or has no rolls.
        Invalid: a column or a value is wrong; the path has the row number of the file, as in ``row[5].supplierLength``.
    """
    rows = _read_sheet(content) if content.startswith(_ZIP_SIGNATURE) else _read_csv(content)
    filled = ((number, cells) for number, cells in rows if any(_cell_value(cell) is not None for cell in cells))
    header = next(filled, None)
    if header is None:
        raise UnreadableFile(N_("The file is empty; its first row names the columns."))
    rolls = _load_rolls(_rows_as_dicts(filled, _parse_header(*header)))
    if not rolls:
        raise UnreadableFile(N_("The file names columns but no rolls; to empty a packing list, PUT an empty one."))
    return rolls


def _parse_header(number: int, header: list[Any]) -> dict[int, str]:
    """Return the field name of each column by its index."""
    columns: dict[int, str] = {}
    faults: list[str] = []
    for place, title in enumerate(header):
        if _cell_value(title) is None:
            continue
        name = _COLUMNS.get(re.sub(r"\W|_", "", str(title)).lower())
        if name is None:
            text = N_("Unknown column “%(name)s”; known are %(names)s.")
            faults.append(Message(text, name=str(title)[:100], names=", ".join(_COLUMNS.values())))
        elif name in columns.values():
            faults.append(Message(N_("The column %(name)s comes twice."), name=name))
        else:
            columns[place] = name
    if faults:
        raise Invalid({"row": {number: faults}})
    return columns


def _rows_as_dicts(rows: Iterable[Row], columns: dict[int, str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, cells in rows:
        yield number, {name: _cell_value(cells[place]) for place, name in columns.items() if place < len(cells)}


def _cell_value(value: Any) -> Any:
    """Convert a cell to None (empty), the shown digits of a float, or text without surrounding white space."""
    if isinstance(value, float):
        return _format_float(value)
    return None if value is None else str(value).strip() or None


def _format_float(value: float) -> str:
    """Round a float to six decimals, because formulas leave more: 9.4999999999 is 9.5, a third is 0.333333."""
    number = Decimal(f"{value:.15g}")
    if number.is_finite() and number.adjusted() < WHOLE_DIGITS:
        number = number.quantize(Decimal(1).scaleb(-PLACES), ROUND_HALF_UP).normalize()
    return f"{number:f}"


def _load_rolls(rows: Iterable[tuple[int, dict[str, Any]]]) -> list[Data]:
    rolls: list[Data] = []
    faults: dict[int, Any] = {}
    sent: dict[int, Any] = {}
    for number, row in rows:
        if len(rolls) + len(faults) >= MAX_ROLLS:
            raise Invalid({"row": {number: [Message(N_("Send at most %(max)s rolls."), max=MAX_ROLLS)]}})
        try:
            rolls.append(_schema.load({name: value for name, value in row.items() if value is not None}))
        except ValidationError as error:
            faults[number], sent[number] = error.normalized_messages(), row  # type: ignore[no-untyped-call]
    if faults:
        raise Invalid({"row": faults}, payload={"row": sent})
    return rolls


def _read_csv(content: bytes) -> Iterator[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(N_("The file is not UTF-8; save it as “CSV UTF-8” or as XLSX.")) from error
    separator = detect_delimiter(text.lstrip().split("\n", 1)[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [parse_cell(cell, separator) for cell in cells]
    except csv.Error as error:
        raise UnreadableFile(
            Message(N_("Line %(line_num)s is not CSV: %(error)s."), line_num=reader.line_num, error=error)
        ) from error


def _read_sheet(content: bytes) -> Iterator[Row]:
    try:
        _check_unpacked_size(content)
        _check_formulas(content)
        with closing(openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)) as book:
            cells = book.worksheets[0].iter_rows(max_col=MAX_COLUMNS, max_row=2 * MAX_ROLLS, values_only=True)
            yield from ((number, list(row)) for number, row in enumerate(cells, start=1))
    except UnreadableFile:
        raise
    except Exception as error:
        # openpyxl raises many kinds of exceptions for broken and hostile files.
        log.warning("spreadsheet_unreadable", error_kind=type(error).__name__, error=str(error)[:200])
        raise UnreadableFile from error


def _check_unpacked_size(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise UnreadableFile(N_("The spreadsheet unpacks to more than 64 MiB."))


def _check_formulas(content: bytes) -> None:
    """Refuse formulas without a computed value: openpyxl reads them as empty cells, and a length would be lost."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = (archive.read(name) for name in archive.namelist() if name.startswith(_SHEET_FOLDER))
        if any(map(_FORMULA_WITHOUT_VALUE.search, sheets)):
            raise UnreadableFile(
                N_("A formula in the file was never computed; open and save it in a spreadsheet program.")
            )
