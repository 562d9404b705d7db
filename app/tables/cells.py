"""Cells as values: a text, a code, a number or a date; what a spreadsheet program made of a value is refused."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Any, NamedTuple

from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_, Message
from app.kernel.text.csv_formulas import unguard_formulas
from app.tables.dates import ISO
from app.tables.layout import Choices, Kind
from app.tables.number_text import NotANumber, NumberStyle, parse_number

#: No column of any table is longer.
MAX_LENGTH = 10_000
#: A spreadsheet keeps 15 digits of a number.
_MOST_DIGITS = 15
#: Error values in English and in Turkish.
_ERRORS = re.compile(
    r"#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!|FIELD!|GETTING_DATA"
    r"|YOK|BAŞV!|DEĞER!|SAYI/0!|AD\?|SAYI!|BOŞ!|TAŞMA!)"
)
_SCIENTIFIC = re.compile(r"\d([.,]\d{1,20})?E\+\d{1,3}", re.IGNORECASE | re.ASCII)
_MONTH = "jan feb mar apr may jun jul aug sep oct nov dec oca şub mar nis may haz tem ağu eyl eki kas ara".replace(
    " ", "|"
)
_SHORT_DATE = re.compile(rf"\d{{1,2}}[-.]({_MONTH})|({_MONTH})[-.]\d{{2}}", re.IGNORECASE)
_BOOLEANS = frozenset({"true", "false", "doğru", "yanliş", "yanlış"})
#: Parts of a number format that show nothing of a number: colours and locales, spacing, filling.
_UNSEEN = re.compile(r"\[[^\]$]{0,50}\]|\[\$-[^\]]{0,50}\]|[_*].")
#: Formats that show the digits of the number alone, perhaps with leading zeros.
_DIGITS_ONLY = re.compile(r"(General|@|[#,]{0,50}(?P<zeros>0{0,50})(\.[0#]{1,30})?(E\+0{1,5})?) *", re.IGNORECASE)


class CellFault(ValueError):
    """The cell holds no value of its column's kind; the argument is the message."""


class SheetCell(NamedTuple):
    """A cell of a sheet: its value, the type that openpyxl gives it, and its number format."""

    value: Any
    type: str
    format: str = "General"
    #: The value stands in a row above: the cells are merged.
    is_merged: bool = False


def read_text(kind: Kind, text: str, choices: Choices, style: NumberStyle) -> Any:
    """The value of a text cell; None for a blank one.

    Raises:
        CellFault: with a message.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise CellFault(Message(N_("The cell holds more than %(n)s characters."), n=MAX_LENGTH))
    text = unguard_formulas(text)
    if not text:
        return None
    if _ERRORS.fullmatch(text):
        raise CellFault(Message(N_("The cell shows the error %(error)s."), error=text))
    if kind is Kind.NUMBER:
        try:
            return parse_number(text, style)
        except NotANumber as error:
            raise CellFault(*error.args) from error
    if kind is Kind.DATE:
        return _read_date(text, choices)
    if kind is Kind.CODE:
        _refuse_changed_code(text)
        return clean_identifier(text) or None
    return text


def read_sheet_cell(
    kind: Kind, cell: SheetCell | None, choices: Choices, style: NumberStyle, *, places: int | None
) -> Any:
    """The value of a cell of a sheet; None for a blank one. A computed number is rounded to ``places``.

    Raises:
        CellFault: with a message.
    """
    if cell is None or (cell.value is None and cell.type != "f"):
        return None
    value = cell.value
    if cell.type == "f":
        raise CellFault(N_("The formula was never computed; open and save the file in a spreadsheet program."))
    if cell.type == "e":
        raise CellFault(Message(N_("The cell shows the error %(error)s."), error=value))
    if isinstance(value, bool):
        raise CellFault(N_("The cell holds true or false."))
    if isinstance(value, str):
        return read_text(kind, value, choices, style)
    if isinstance(value, date | time | timedelta):
        return _date_cell(kind, value)
    if kind is Kind.DATE:
        raise CellFault(N_("The cell holds a number, not a date."))
    if kind is Kind.NUMBER:
        return _number(value, cell.format, places)
    return _code_of_number(value, cell.format)


def shown(cell: SheetCell | str | None) -> Any:
    """The cell as a text, for messages and for a file of refused rows."""
    value = cell.value if isinstance(cell, SheetCell) else cell
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date().isoformat()
    if isinstance(value, float) and isfinite(value):
        return _typed_number(value)
    return str(value) if isinstance(value, float | time | timedelta | date) else value


def _read_date(text: str, choices: Choices) -> str:
    if choices.date_format and (day := choices.date_format.read(text)):
        return day.isoformat()
    if ISO.fullmatch(text):
        return text[:10]
    if choices.date_format:
        sentence = N_("%(text)s is no date as %(format)s.")
        raise CellFault(Message(sentence, text=text[:50], format=choices.date_format.name))
    sentence = N_("%(text)s is no date as YYYY-MM-DD. Name its format, for instance %(option)s dd.mm.yyyy.")
    raise CellFault(Message(sentence, text=text[:50], option=choices.date_option))


def _refuse_changed_code(text: str) -> None:
    """Refuse a code that a spreadsheet program turned into something else before it wrote the file."""
    if _SCIENTIFIC.fullmatch(text):
        sentence = N_(
            "%(text)s is a number in scientific notation. Format the column as text and enter the code again."
        )
        raise CellFault(Message(sentence, text=text))
    if _SHORT_DATE.fullmatch(text):
        sentence = N_("A spreadsheet program made the date %(text)s of this text. Format the column as text.")
        raise CellFault(Message(sentence, text=text))
    if text.casefold() in _BOOLEANS:
        raise CellFault(N_("The cell holds true or false."))


def _date_cell(kind: Kind, value: date | time | timedelta) -> str:
    if kind is Kind.DATE and isinstance(value, datetime):
        return value.date().isoformat()
    if kind is Kind.DATE and isinstance(value, date):
        return value.isoformat()
    text = shown(SheetCell(value, "d"))
    if kind is Kind.DATE:
        raise CellFault(Message(N_("The cell holds the time %(text)s, not a date."), text=text))
    if kind is Kind.NUMBER:
        raise CellFault(Message(N_("The cell holds the date %(text)s, not a number."), text=text))
    sentence = N_("A spreadsheet program made the date %(text)s of this text. Format the column as text.")
    raise CellFault(Message(sentence, text=text))


def _number(value: int | float | Decimal, number_format: str, places: int | None) -> Decimal:
    number = _typed_number(value)
    if "%" in number_format:
        number *= 100
    # Nobody types 15 digits: a formula computed the number, for instance 33.33333333333334.
    is_computed = isinstance(value, float) and len(number.as_tuple().digits) >= _MOST_DIGITS
    if is_computed and places is not None and number.adjusted() < _MOST_DIGITS:
        return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return number


def _code_of_number(value: int | float | Decimal, number_format: str) -> str:
    number = _typed_number(value)
    if abs(number) >= 10**_MOST_DIGITS:
        sentence = N_(
            "The number has more digits than a spreadsheet keeps. Format the column as text and enter it again."
        )
        raise CellFault(sentence)
    text = f"{number:f}"
    found = _DIGITS_ONLY.fullmatch(_UNSEEN.sub("", number_format.partition(";")[0]))
    if found is None:
        sentence = N_(
            "The cell shows more than the number %(text)s. Format the column as text and enter the code as it is shown."
        )
        raise CellFault(Message(sentence, text=text))
    # A person sees the leading zeros that the format adds.
    return text.zfill(len(found["zeros"] or "")) if number >= 0 and "." not in text else text


def _typed_number(value: int | float | Decimal) -> Decimal:
    """The number that was typed: 57.7 is stored as 57.699999999999996."""
    if isinstance(value, float):
        if not isfinite(value):
            raise CellFault(N_("A valid number is required."))
        number = Decimal(f"{value:.{_MOST_DIGITS}g}")
        return number if abs(number.adjusted()) > 40 else _plain(number)  # noqa: PLR2004 - far outside of every column
    return Decimal(value)


def _plain(number: Decimal) -> Decimal:
    normal = number.normalize()
    return normal.quantize(Decimal(1)) if normal == normal.to_integral_value() else normal
