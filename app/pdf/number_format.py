"""Number formats of languages."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_decimal

from app.kernel.money import plain_decimal

_SWAPPED = str.maketrans(",.", ".,")


def format_number(number: Decimal, *, digits: int | None = None, language: str, by_two: bool = False) -> str:
    """``1.234,50`` in Turkish, ``1,234.50`` in English; without ``digits`` all decimals are kept.

    Args:
        by_two: group as India does, ``12,34,567.50``.
    """
    if by_two:
        decimals = "#" * count_decimals(number) if digits is None else "0" * digits
        text = format_decimal(number, f"#,##,##0.{decimals}", "en_IN")
    else:
        text = f"{number:,.{digits}f}" if digits is not None else f"{plain_decimal(number):,f}".removesuffix(".0")
    return text.translate(_SWAPPED) if language == "tr" else text


def count_decimals(number: Decimal) -> int:
    """Number of decimals without trailing zeros."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent if isinstance(exponent, int) else 0)
