"""Goods receipts in CSV and XLSX files, one row for each roll; rows of a receipt may stand anywhere in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.grn import master_names, masters
from app.grn.receipts.roll_columns import NUMBER, RollColumns
from app.grn.receipts.roll_files import is_total_title
from app.grn.schemas.receipts import MAX_ROLLS
from app.kernel.errors import BadRequest
from app.kernel.messages import N_, Message
from app.tables.layout import Choices, Kind, Layout, Limits, Row
from app.tables.user_files.column_map import ColumnMap
from app.tables.user_files.mapped_table import MappedTable, read_mapped
from app.tables.user_files.refused_rows import RowError

#: Columns of the receipt, of its fabric items and of their rolls, as in JSON; names stand in place of ids.
HEADER = ("supplier", "invoiceNo", "invoiceDate", "erpInvoiceNo", "externalId")
ITEM = (
    "fabric",
    "color",
    "colorCode",
    "colorShade",
    "grn",
    "grnDate",
    "warehouse",
    "order",
    "externalOrderIds",
    "fpo",
    "orderQty",
    "invoiceQty",
    "grnQty",
    "orderingWidth",
    "orderingGsm",
    "uomLength",
    "uomWidth",
)
ROLL = (NUMBER, "factoryRollNo", "supplierLength", "supplierWidth", "supplierWeight", "gsm", "shade")
COLUMNS = (*HEADER, *ITEM, *ROLL)
REQUIRED = ("supplier", "invoiceNo", "fabric", "color", "grn", "orderQty", "invoiceQty", "orderingWidth")
#: Column with a name or a code -> the field of the payload with the id, and the kind of master data.
NAMED = {
    "supplier": ("supplierId", masters.SUPPLIERS),
    "fabric": ("fabricId", masters.FABRICS),
    "order": ("orderId", masters.ORDERS),
}
#: Rows with the same values here are of one fabric item.
_ITEM_KEY = ("fabric", "color", "colorShade", "grn", "order", "fpo")
_NUMBERS = frozenset(
    {"orderQty", "invoiceQty", "grnQty", "orderingWidth", "orderingGsm", "supplierLength", "supplierWidth", "gsm"}
    | {"supplierWeight"}
)
_DATES = frozenset({"invoiceDate", "grnDate"})
_UNITS = {
    "uomLength": {"m": "meter", "mt": "meter", "metre": "meter", "meters": "meter", "yd": "yard", "yards": "yard"}
    | {"kg": "kilogram", "kgs": "kilogram", "kilo": "kilogram", "yarda": "yard"},
    "uomWidth": {"cm": "centimeter", "santimetre": "centimeter", "in": "inch", "inches": "inch", '"': "inch"}
    | {"inç": "inch", "yd": "yard", "yards": "yard"},
}
_FILE = RollColumns(COLUMNS, keys=("invoiceNo", "fabric"), needed=REQUIRED)
_LAYOUT = Layout(
    _FILE.name_columns,
    _FILE.is_heading,
    _FILE.is_known,
    kinds={name: Kind.NUMBER if name in _NUMBERS else Kind.DATE if name in _DATES else Kind.CODE for name in COLUMNS},
    places={},
    required=frozenset({"invoiceNo"}),
    summed=frozenset({"supplierLength", "supplierWeight"}),
    limits=Limits(unpacked_bytes=64 * 1024 * 1024, elements=2_000_000, columns=200, blank_rows=20_000),
)


class TooManyReceiptRows(BadRequest):
    def __init__(self, most: int = MAX_ROLLS) -> None:
        super().__init__(Message(N_("The file has more than %(n)s rows; split it."), n=most))


@dataclass(slots=True)
class FileItem:
    """A fabric item of the file: its values, its rows, the rows of its rolls, and the row of each roll number."""

    values: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    rolls: list[Row] = field(default_factory=list)
    roll_numbers: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class FileReceipt:
    """A receipt of the file: its values, its fabric items, its rows, and what is wrong in them."""

    values: dict[str, Any]
    items: list[FileItem] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)

    @property
    def numbers(self) -> str:
        return row_numbers(self.rows)


@dataclass(slots=True)
class ReceiptTable:
    """A file whose columns a person chose: its headings, and its receipts if the headings are right."""

    table: MappedTable
    receipts: list[FileReceipt] = field(default_factory=list)


#: Column -> name in small letters -> ids of the rows with this name or code.
Names = Mapping[str, Mapping[str, Sequence[int]]]


def read_receipts(
    content: bytes, columns: ColumnMap, choices: Choices, *, owner: int | None = None, keep_cells: bool = False
) -> ReceiptTable:
    """The receipts of a CSV or XLSX file in the order of their first rows; names are looked up in the master data.

    Raises:
        BadRequest: the file is no table, has no rows or too many.
        Refusal: it takes too long to read, or other files are being read.
    """
    table = read_mapped(content, _LAYOUT, choices, MAX_ROLLS + 1, columns, owner=owner, keep_cells=keep_cells)
    if table.refusal is not None:
        return ReceiptTable(table)
    if len(table.rows) > MAX_ROLLS:
        raise TooManyReceiptRows
    if not table.rows:
        raise BadRequest(N_("The file names columns but no receipts."))
    return ReceiptTable(table, group_receipts(table.rows, find_ids(table.rows)))


def find_ids(rows: Sequence[Row]) -> Names:
    """The ids of all names in the columns of names."""
    return {
        column: master_names.find_ids_of_names(kind, {str(row.values[column]) for row in rows if column in row.values})
        for column, (_, kind) in NAMED.items()
    }


def group_receipts(rows: Sequence[Row], names: Names) -> list[FileReceipt]:
    """The receipts of the rows. A row without values of a receipt, or of an item, is of the one above."""
    found: dict[Any, FileReceipt] = {}
    items: dict[Any, FileItem] = {}
    above: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for row in rows:
        header, item = ({name: row.values[name] for name in part if name in row.values} for part in (HEADER, ITEM))
        item = {name: _unit(name, value) for name, value in item.items()}
        if not header:
            header, item = above[0], item or above[1]
        key = (_identity(header, "supplier", names), header.get("invoiceNo"))
        receipt = found.setdefault(key, FileReceipt({}))
        receipt.rows.append(row)
        errors = list(_row_errors(row))
        receipt.errors += errors
        if any(not error.heading for error in errors):
            continue  # the row is wrong as a whole: its cells mean nothing
        above = (header, item)
        item_key = (key, *(_identity(item, name, names) for name in _ITEM_KEY))
        if item_key not in items:
            items[item_key] = FileItem({})
            receipt.items.append(items[item_key])
        _add(items[item_key], receipt, row, header, item)
    return list(found.values())


def row_numbers(rows: Sequence[Row]) -> str:
    """The numbers of rows, for people: ``2-5`` or ``2, 4, 9``."""
    numbers = [row.number for row in rows]
    first, last = numbers[0], numbers[-1]
    if last - first == len(numbers) - 1:
        return f"{first}" if first == last else f"{first}-{last}"
    shown = 10
    return f"{', '.join(map(str, numbers[:shown]))}{', …' if len(numbers) > shown else ''}"


def _add(found: FileItem, receipt: FileReceipt, row: Row, header: dict[str, Any], item: dict[str, Any]) -> None:
    """Add a row to its fabric item; it may not contradict the rows above."""
    for target, values in ((receipt.values, header), (found.values, item)):
        for name, value in values.items():
            if target.setdefault(name, value) != value and name not in NAMED:
                sentence = N_("The row says something else than the rows above of the same receipt or fabric item.")
                receipt.errors.append(RowError(str(row.number), name, sentence))
    found.rows.append(row)
    if any(name in row.values or name in row.faults for name in ROLL):
        found.rolls.append(row)
        number = row.values.get(NUMBER)
        if number and (first := found.roll_numbers.setdefault(number, row.number)) != row.number:
            text = Message(N_("Row %(row)s has the same roll number."), row=first)
            receipt.errors.append(RowError(str(row.number), NUMBER, text))


def _row_errors(row: Row) -> Iterator[RowError]:
    place = str(row.number)
    if row.fault:
        yield RowError(place, "", row.fault)
    elif row.note:
        yield RowError(place, "", Message(N_("Is “%(text)s” a note and no roll? Then remove the row."), text=row.note))
    elif _is_total(row):
        yield RowError(place, "", N_("Is this the total row? Then remove it."))
    for name, text in row.faults.items():
        yield RowError(place, name, text)


def _is_total(row: Row) -> bool:
    """Whether a row looks like the total of the others: by its roll number, or by another text if it lacks the rest."""
    if NUMBER in row.values:
        return is_total_title(str(row.values[NUMBER]))
    is_complete = all(name in row.values for name in ("supplier", "invoiceNo", "fabric", "color"))
    return not is_complete and any(isinstance(text, str) and is_total_title(text) for text in row.values.values())


def _identity(values: Mapping[str, Any], name: str, names: Names) -> Any:
    """What tells rows apart: the id of a name that is known, else the value."""
    value = values.get(name)
    if name in NAMED and value is not None:
        ids = names[name].get(str(value).casefold(), ())
        return ids[0] if len(ids) == 1 else str(value).casefold()
    return value


def _unit(name: str, value: Any) -> Any:
    """A unit as the hub names it, in any case and for its usual abbreviations."""
    text = str(value).casefold()
    return _UNITS[name].get(text.rstrip("."), text) if name in _UNITS else value
