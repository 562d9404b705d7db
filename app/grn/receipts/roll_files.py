"""Packing lists from files: CSV and XLSX become the same rolls that JSON would, row numbers kept for the errors."""

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
from app.grn.schemas.receipts import MOST_ROLLS, NewRollSchema
from app.kernel.csv_dialect import detect_delimiter, parse_cell
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message

log = structlog.get_logger(__name__)

#: A spreadsheet is a ZIP: what it unpacks to is bounded before anything of it is read.
LARGEST_UNPACKED = 64 * 1024 * 1024
MOST_COLUMNS = 50
_ZIP = b"PK\x03\x04"
_SHEETS = "xl/worksheets/"
#: A cell with a formula and no value; one that was computed to an empty text has the type ``str``.
_UNCOMPUTED = re.compile(
    rb"""<c(?:\s(?!t="str")[\w:]+="[^"]*")*>\s*<f\b[^>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"""
)

_schema = NewRollSchema()
#: ``Supplier Roll No``, ``supplier_roll_no`` and ``supplierRollNo`` are the same column.
_COLUMNS = {
    re.sub(r"\W|_", "", str(field.data_key or name)).lower(): str(field.data_key or name)
    for name, field in _schema.fields.items()
    if name != "extra"
}

Row = tuple[int, list[Any]]


def read_rolls(content: bytes) -> list[Data]:
    """The rolls of a CSV (UTF-8; comma, semicolon or tab) or an XLSX (first sheet), with a header row.

    Raises:
        UnreadableFile: it is neither, or has no header row, or no rolls.
        Invalid: the errors' paths carry the row's number in the file, ``row[5].supplierLength``.
    """
    rows = _sheet(content) if content.startswith(_ZIP) else _csv(content)
    filled = ((number, cells) for number, cells in rows if any(_cell(cell) is not None for cell in cells))
    header = next(filled, None)
    if header is None:
        raise UnreadableFile(N_("The file is empty; its first row names the columns."))
    rolls = _loaded(_named(filled, _columns(*header)))
    if not rolls:
        raise UnreadableFile(N_("The file names columns but no rolls; to empty a packing list, PUT an empty one."))
    return rolls


def _columns(number: int, header: list[Any]) -> dict[int, str]:
    """Where each known column stands."""
    columns: dict[int, str] = {}
    faults: list[str] = []
    for place, title in enumerate(header):
        if _cell(title) is None:
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


def _named(rows: Iterable[Row], columns: dict[int, str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, cells in rows:
        yield number, {name: _cell(cells[place]) for place, name in columns.items() if place < len(cells)}


def _cell(value: Any) -> Any:
    """A cell as JSON would carry it: empty is null, a float is what the sheet shows of it, the rest is text."""
    if isinstance(value, float):
        return _shown(value)
    return None if value is None else str(value).strip() or None


def _shown(value: float) -> str:
    """What a formula leaves behind the sixth decimal is no measure: 9.4999999999 is 9.5, a third is 0.333333."""
    number = Decimal(f"{value:.15g}")
    if number.is_finite() and number.adjusted() < WHOLE_DIGITS:
        number = number.quantize(Decimal(1).scaleb(-PLACES), ROUND_HALF_UP).normalize()
    return f"{number:f}"


def _loaded(rows: Iterable[tuple[int, dict[str, Any]]]) -> list[Data]:
    rolls: list[Data] = []
    faults: dict[int, Any] = {}
    sent: dict[int, Any] = {}
    for number, row in rows:
        if len(rolls) + len(faults) >= MOST_ROLLS:
            raise Invalid({"row": {number: [Message(N_("Send at most %(max)s rolls."), max=MOST_ROLLS)]}})
        try:
            rolls.append(_schema.load({name: value for name, value in row.items() if value is not None}))
        except ValidationError as error:
            faults[number], sent[number] = error.normalized_messages(), row  # type: ignore[no-untyped-call]
    if faults:
        raise Invalid({"row": faults}, payload={"row": sent})
    return rolls


def _csv(content: bytes) -> Iterator[Row]:
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


def _sheet(content: bytes) -> Iterator[Row]:
    try:
        _refuse_bomb(content)
        _refuse_uncomputed(content)
        with closing(openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)) as book:
            cells = book.worksheets[0].iter_rows(max_col=MOST_COLUMNS, max_row=2 * MOST_ROLLS, values_only=True)
            yield from ((number, list(row)) for number, row in enumerate(cells, start=1))
    except UnreadableFile:
        raise
    except Exception as error:
        # The reader raises whatever a broken or hostile file leads it to.
        log.warning("spreadsheet_unreadable", error_kind=type(error).__name__, error=str(error)[:200])
        raise UnreadableFile from error


def _refuse_bomb(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > LARGEST_UNPACKED:
            raise UnreadableFile(N_("The spreadsheet unpacks to more than 64 MiB."))


def _refuse_uncomputed(content: bytes) -> None:
    """A formula that no spreadsheet program has computed yet reads as an empty cell: its length would be lost."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if any(_UNCOMPUTED.search(packed.read(name)) for name in packed.namelist() if name.startswith(_SHEETS)):
            raise UnreadableFile(
                N_("A formula in the file was never computed; open and save it in a spreadsheet program.")
            )
