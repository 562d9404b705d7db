"""Numbers as people type them in the viewer's language, and the separators that a script needs to read them too."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from babel.numbers import get_decimal_symbol, get_group_symbol
from flask_babel import format_decimal, get_locale

#: Stands for a text that is no number: every field of a schema refuses it.
UNREADABLE: Any = object()
_WHOLE, _DECIMALS = r"\d{1,15}", r"(?:%s\d{1,10})?"
#: By three digits, or as pages for India show numbers: ``12,34,567``.
_GROUPED = r"(?:\d{1,3}(?:%(group)s\d{3}){1,4}|\d{1,2}(?:%(group)s\d{2}){1,6}%(group)s\d{3})"


def separators() -> tuple[str, str]:
    """The separators of decimals and of thousands in the viewer's language."""
    return get_decimal_symbol(get_locale()), get_group_symbol(get_locale())


def read_number(text: str) -> Any:
    """The number that a text means in the viewer's language, or ``UNREADABLE``.

    Separators of thousands may be left out, but not misplaced: ``12.50`` is no number where the comma separates
    decimals, and is not read as 1250.
    """
    decimal, group = separators()
    whole = f"(?:{_WHOLE}|{_GROUPED % {'group': re.escape(group)}})"
    text = text.strip()
    if not re.fullmatch(whole + _DECIMALS % re.escape(decimal), text, re.ASCII):
        return UNREADABLE
    return Decimal(text.replace(group, "").replace(decimal, "."))


def typed_number(value: Decimal | int, least_decimals: int = 0) -> str:
    """A number as a person of the viewer's language types it: without separators of thousands."""
    return str(format_decimal(value, f"0.{'0' * least_decimals}{'#' * (10 - least_decimals)}"))
