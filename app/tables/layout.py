"""What a caller expects of a table and what it gets: columns, limits, choices of the user, rows and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.kernel.errors import BadRequest
from app.kernel.messages import N_, Message
from app.tables.dates import DateFormat
from app.tables.number_text import NumberStyle


class Kind(StrEnum):
    """Kind of a column's values."""

    TEXT = "text"
    #: An identifying text: a number, a code, a name that is a key.
    CODE = "code"
    NUMBER = "number"
    DATE = "date"


class UnreadableTable(BadRequest):
    message = N_("The file cannot be read as CSV (UTF-8) or XLSX.")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that are checked before the work: bytes, elements and rows of a file."""

    unpacked_bytes: int
    #: XML elements of a workbook; a cell with a value has two.
    elements: int
    columns: int
    #: Rows that hold nothing.
    blank_rows: int = 100_000


class TooManyColumns(UnreadableTable):
    def __init__(self, limits: Limits) -> None:
        super().__init__(Message(N_("The sheet has more than %(n)s columns."), n=limits.columns))


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user says about the file."""

    sheet: str | None = None
    date_format: DateFormat | None = None
    #: How a user names a sheet or a date format, for messages: an option of a command, a parameter of a URL.
    sheet_option: str = "--sheet"
    date_option: str = "--date-format"


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table.

    Attributes:
        name_columns: the name of each column by its place, None for one to ignore; raises when the headings are wrong.
        is_heading: whether a row can be the headings; it chooses between the rows at the top and between the sheets.
        is_known: whether a cell is a heading of this table.
        kinds: kind of each column by its name.
        places: decimals of the columns of numbers; a number that a formula computed is rounded to them.
        required: columns without which a row is nothing.
        summed: columns of numbers that people add up: one number for several rows can be their sum.
    """

    name_columns: Callable[[int, list[str]], list[str | None]]
    is_heading: Callable[[list[str]], bool]
    is_known: Callable[[str], bool]
    kinds: Mapping[str, Kind]
    places: Mapping[str, int]
    required: frozenset[str]
    summed: frozenset[str]
    limits: Limits


@dataclass(slots=True)
class RawRow:
    """A row as the file has it; ``fault`` if it cannot be taken apart into cells."""

    number: int
    cells: list[Any]
    fault: str | None = None


@dataclass(slots=True)
class Row:
    """A row by column name: the values that are filled, and what is wrong. ``fault`` is about the row as a whole."""

    number: int
    values: dict[str, Any]
    faults: dict[str, str] = field(default_factory=dict)
    fault: str | None = None
    #: The cells as texts, for a file of refused rows.
    cells: list[Any] = field(default_factory=list)
    #: The cells with faults as texts, by column name.
    rejected: dict[str, Any] = field(default_factory=dict)
    #: Numbers such as ``1.250`` as texts, by column name: ambiguous if the file has decimal commas anywhere.
    pointed: dict[str, str] = field(default_factory=dict)
    #: The text of the row if it looks like a note, such as ``Prepared by: Ali``.
    note: str = ""


@dataclass(slots=True)
class Table:
    """A table that was opened: its headings, its rows, and how its numbers are written."""

    headings: list[str]
    rows: Iterator[Row]
    style: NumberStyle
