"""Numbers as readers of a language write them."""

from __future__ import annotations

from decimal import Decimal

from app.kernel.money import plain_decimal

_SWAPPED = str.maketrans(",.", ".,")


def format_number(number: Decimal, *, digits: int | None = None, language: str) -> str:
    """``1.234,50`` in Turkish, ``1,234.50`` in English; without ``digits`` as many decimals as there are."""
    text = f"{number:,.{digits}f}" if digits is not None else f"{plain_decimal(number):,f}".removesuffix(".0")
    return text.translate(_SWAPPED) if language == "tr" else text


def count_decimals(number: Decimal) -> int:
    """How many decimals a number has, zeros at its end not counted."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent if isinstance(exponent, int) else 0)
