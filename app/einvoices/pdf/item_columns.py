"""Columns of the items on the PDF of an e-invoice: which are shown, and how wide each is for its longest text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Widths in millimetres: the table, and the number of a row.
_TABLE, _ROW_NUMBER = 182.0, 8.5
#: Width of a digit and of a separator at 8.5 points, and of a letter of the bold headings, in millimetres.
_DIGIT, _SEPARATOR, _LETTER = 1.72, 0.81, 1.5
#: What is tried one after the other: the size of the figures in points, the space between them, and the least width of
#: the names of items. The last one is the smallest that people read without effort.
_USUAL_SIZE = 8.5
_ATTEMPTS = (
    (_USUAL_SIZE, 8.0, 60.0),
    (_USUAL_SIZE, 5.0, 50.0),
    (_USUAL_SIZE, 2.4, 38.0),
    (7.5, 2.4, 38.0),
    (6.5, 2.4, 0),
)
_WITH_DISCOUNT = ("quantity", "unit_price", "gross", "discount", "net", "vat", "total")
_WITHOUT_DISCOUNT = ("quantity", "unit_price", "net", "vat", "total")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures; its width is in millimetres."""

    name: str
    width: float


@dataclass(frozen=True, slots=True)
class ItemColumns:
    """The columns of figures, and the size of these in points."""

    figures: tuple[Column, ...]
    size: float
    row_number: float = _ROW_NUMBER


def choose_columns(items: Sequence[Mapping[str, str]], label: Mapping[str, str]) -> ItemColumns:
    """The columns of all items: discounts are shown if there are any, and the figures get smaller before names do."""
    names = _WITH_DISCOUNT if any(item["discount"] for item in items) else _WITHOUT_DISCOUNT
    figures = [max((_length(item[name]) for item in items), default=0.0) for name in names]
    headings = [max(len(word) for word in label[name].split()) * _LETTER for name in names]
    for size, space, least in _ATTEMPTS:
        widths = [max(a * size / _USUAL_SIZE, b) + space for a, b in zip(figures, headings, strict=True)]
        if sum(widths) <= _TABLE - _ROW_NUMBER - least:
            break
    return ItemColumns(tuple(Column(name, round(width, 1)) for name, width in zip(names, widths, strict=True)), size)


def _length(text: str) -> float:
    return sum(_DIGIT if character.isdigit() else _SEPARATOR for character in text)
