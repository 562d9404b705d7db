"""Letters without case and accents, in Python and in SQL: İSTANBUL, Istanbul and ıstanbul are one word."""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, String, literal_column

#: Letters that Unicode does not decompose, and their usual ASCII spelling.
_LETTERS = {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ς": "σ"}
_PAIRS = {"þ": "th", "æ": "ae", "œ": "oe", "ß": "ss"}
_PLAIN = str.maketrans({**_LETTERS, **_PAIRS})


def folded(text: str) -> str:
    """Lower case without accents: İSTANBUL, Istanbul and ıstanbul are one word, and so are José and JOSE."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(_PLAIN)


def folded_sql(text: str) -> str:
    """SQL of ``folded`` for Latin, Greek and Cyrillic letters; ``text`` is an SQL expression of the caller."""
    lowered = f"lower(regexp_replace(normalize({text}, NFKD), '[\u0300-\u036f]', '', 'g'))"
    plain = f"translate({lowered}, '{''.join(_LETTERS)}', '{''.join(_LETTERS.values())}')"
    for letter, spelling in _PAIRS.items():
        plain = f"replace({plain}, '{letter}', '{spelling}')"
    return plain


def contains_folded(column: Any, typed: str) -> ColumnElement[bool]:
    """Condition of a small table: the column contains a text, without regard to case and accents."""
    return _folded_column(column).contains(folded(typed), autoescape=True)


def begins_folded(column: Any, typed: str) -> ColumnElement[bool]:
    """Condition of a small table: the column begins with a text, without regard to case and accents."""
    return _folded_column(column).startswith(folded(typed), autoescape=True)


def _folded_column(column: Any) -> ColumnElement[str]:
    element = column.expression
    return literal_column(folded_sql(f"{element.table.name}.{element.name}"), String())
