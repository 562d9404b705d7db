"""Packing lists in CSV and XLSX files; errors carry the row number of the file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError

from app.grn.errors import UnreadableFile
from app.grn.receipts.item_builder import Data
from app.grn.receipts.roll_columns import NUMBER, RollColumns
from app.grn.schemas.receipts import MAX_ROLLS, NewRollSchema
from app.kernel.errors import Invalid, Refusal
from app.kernel.messages import N_, Message
from app.kernel.schemas.fields import Number
from app.tables.layout import Choices, Kind, Layout, Limits, Row, UnreadableTable
from app.tables.uploads import read_uploaded
from app.tables.user_files.column_map import ColumnMap
from app.tables.user_files.mapped_table import MappedTable, read_mapped

_schema = NewRollSchema()
_FIELDS = {str(field.data_key or name): field for name, field in _schema.fields.items() if name != "extra"}
_KINDS = {name: Kind.NUMBER if isinstance(field, Number) else Kind.CODE for name, field in _FIELDS.items()}
_COLUMNS = RollColumns(tuple(_FIELDS))
#: The column that a person has to choose.
REQUIRED = (NUMBER,)
#: A packing list of the largest size has 110,000 cells.
_LIMITS = Limits(unpacked_bytes=64 * 1024 * 1024, elements=2_000_000, columns=200, blank_rows=20_000)
#: Rows with faults that an answer names, and the length of a cell in it.
_MOST_FAULTS, _SHOWN_LENGTH = 100, 200
#: Words with which the title of a total row begins.
_TOTALS = re.compile(
    r"((grand|sub|genel|ara|overall)\W*)?(totals?|sums?|toplam|toplami|toplamı|yekun|yekün)\b|[σ∑]\W*$|合计|总计|小计|合計|總計|小計"
)
#: The columns that a total row sums up.
_SUMMED = ("supplierLength", "supplierWeight", "length", "weight")
_IS_NOTE = N_("Is “%(text)s” a note and no roll? Then remove the row. If it is a roll, send keepTotals=true.")
_IS_TOTAL = N_("Is this the total row? Then remove it. If it is a roll, send keepTotals=true.")


def read_rolls(
    content: bytes,
    *,
    sheet: str | None = None,
    keep_totals: bool = False,
    owner: int | None = None,
    sheet_option: str = "sheet=",
) -> list[Data]:
    """Read the rolls of a CSV (UTF-8; comma, semicolon or tab) or an XLSX with a row of headings.

    Args:
        sheet: the sheet of a workbook; by default the visible one that has the headings.
        keep_totals: rows that look like a note or like the total of the others are rolls.
        owner: the user who sent the file; nobody takes all places for large files.
        sheet_option: what a message calls the choice of a sheet.

    Raises:
        PayloadTooLarge: the file takes too long to read, or too much memory.
        UnreadableFile: the file is neither CSV nor XLSX, has no row of headings, or has no rolls.
        Invalid: a column or a value is wrong; the path has the row number of the file, as in ``row[5].supplierLength``.
    """
    choices = Choices(sheet=sheet, sheet_option=sheet_option)
    try:
        rows = read_uploaded(content, _LAYOUT, choices, MAX_ROLLS + 1, owner=owner)
    except UnreadableTable as error:
        raise UnreadableFile(error.message) from error
    return _required(*_load_rolls(rows, keep_totals=keep_totals))


@dataclass(slots=True)
class RollTable:
    """The rolls of a file whose columns a person chose; or the refusal of its headings or of its rows.

    ``faults`` are the errors of a row, as those of a schema, by its number.
    """

    table: MappedTable
    rolls: list[Data] = field(default_factory=list)
    faults: Mapping[int, Any] = field(default_factory=dict)
    refusal: Refusal | None = None


def read_roll_table(
    content: bytes,
    columns: ColumnMap,
    choices: Choices,
    *,
    keep_totals: bool = False,
    keep_cells: bool = False,
    owner: int | None = None,
) -> RollTable:
    """Read a file as ``read_rolls`` does, with the columns that a person chose.

    Raises:
        PayloadTooLarge: the file takes too long to read, or too much memory.
        UnreadableTable: the file is neither CSV nor XLSX.
    """
    table = read_mapped(content, _LAYOUT, choices, MAX_ROLLS + 1, columns, owner=owner, keep_cells=keep_cells)
    if table.refusal is not None:
        return RollTable(table, refusal=table.refusal)
    loaded, faults = _load_rolls(table.rows, keep_totals=keep_totals)
    try:
        return RollTable(table, _required(loaded, faults))
    except Refusal as refusal:
        return RollTable(table, faults=faults, refusal=refusal)


def _required(loaded: list[tuple[Row, Data | None]], faults: Mapping[int, Any]) -> list[Data]:
    """The rolls of rows without faults.

    Raises:
        Invalid: a row has a fault.
        UnreadableFile: there are no rows.
    """
    if faults:
        sent = {row.number: _sent(row) for row, _ in loaded}
        raise Invalid({"row": dict(sorted(faults.items()))}, payload={"row": sent})
    if not loaded:
        raise UnreadableFile(N_("The file names columns but no rolls; to empty a packing list, PUT an empty one."))
    return [roll for _, roll in loaded if roll is not None]


#: Fields round by themselves.
_LAYOUT = Layout(
    _COLUMNS.name_columns,
    _COLUMNS.is_heading,
    _COLUMNS.is_known,
    _KINDS,
    places={},
    required=frozenset({NUMBER}),
    summed=frozenset({*_SUMMED, "blanketQty"}),
    limits=_LIMITS,
)


def _load_rolls(rows: Iterable[Row], *, keep_totals: bool) -> tuple[list[tuple[Row, Data | None]], dict[int, Any]]:
    """Each row with its roll, and the faults of rows by their numbers."""
    loaded: list[tuple[Row, Data | None]] = []
    faults: dict[int, Any] = {}
    for row in rows:
        if len(loaded) >= MAX_ROLLS:
            return loaded, {row.number: [Message(N_("Send at most %(max)s rolls."), max=MAX_ROLLS)]}
        roll, fault = _load(row)
        loaded.append((row, roll))
        if fault:
            faults[row.number] = fault
        if len(faults) >= _MOST_FAULTS:
            break
    for number, fault in _repeated(loaded):
        faults.setdefault(number, fault)
    if not keep_totals:
        for number, fault in _totals(loaded):
            faults.setdefault(number, fault)
        # Not only what is missing: a note lacks all that makes a roll.
        faults |= {row.number: [Message(_IS_NOTE, text=row.note)] for row, _ in loaded if row.note}
    return loaded, faults


def _sent(row: Row) -> dict[str, str | None]:
    """The cells of a row as texts, for the errors."""
    cells = {**row.values, **row.rejected}
    return {name: None if value is None else str(value)[:_SHOWN_LENGTH] for name, value in cells.items()}


def _load(row: Row) -> tuple[Data | None, Any]:
    """The roll of a row, or what is wrong with the row."""
    if row.fault:
        return None, [row.fault]
    try:
        roll = _schema.load(row.values)
    except ValidationError as error:
        found: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
        return None, {**found, **{name: [text] for name, text in row.faults.items()}}
    return (None, {name: [text] for name, text in row.faults.items()}) if row.faults else (roll, None)


def _repeated(loaded: list[tuple[Row, Data | None]]) -> Iterator[tuple[int, Any]]:
    first: dict[str, int] = {}
    for row, _ in loaded:
        number = row.values.get(NUMBER)
        if number in first:
            yield row.number, {NUMBER: [Message(N_("Row %(row)s has the same roll number."), row=first[number])]}
        elif number is not None:
            first[number] = row.number


def is_total_title(text: str) -> bool:
    """Whether a text begins as the title of a total row does."""
    title = unicodedata.normalize("NFKC", text).replace("İ", "i").casefold()
    return _TOTALS.match(title.strip()) is not None


def _totals(loaded: list[tuple[Row, Data | None]]) -> Iterator[tuple[int, Any]]:
    """Rows that sum up the others: by their title, or because they have the length or weight of all above."""
    sums = dict.fromkeys(_SUMMED, Decimal(0))
    for count, (row, _) in enumerate(loaded):
        if is_total_title(str(row.values.get(NUMBER, ""))):
            yield row.number, {NUMBER: [_IS_TOTAL]}
        for name, above in sums.items():
            value = row.values.get(name) or Decimal(0)
            # Two rolls of the same length are no roll and its total.
            if count > 1 and value and value == above:
                yield row.number, {name: [_IS_TOTAL]}
            sums[name] = above + value
