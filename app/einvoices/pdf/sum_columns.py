"""Widths of the tables below the items, so that their layout is fixed: WeasyPrint measures every cell of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.einvoices.pdf.sums import SumRow

#: Widths of the widest characters of a class, in parts of the size of the font; others are letters and the minus sign.
_DIGIT, _SEPARATOR, _OTHER = 0.58, 0.3, 0.95
#: A point in millimetres.
_POINT = 25.4 / 72
#: Sizes of the amounts in points: of a sum, of the result, and of a rate.
_SUM, _RESULT, _RATE = 9.0, 13.0, 9.0
#: Widest column of the sums, and of the rates, in millimetres; longer amounts get a layout by their content.
_WIDEST_SUM, _WIDEST_RATE = 62.0, 27.0


def sum_width(rows: Iterable[SumRow], currency: str) -> float | None:
    """The width of the amounts of all sums in millimetres; None if they leave too little room for their labels."""
    widest = max(
        (_width(f"{row.amount} {currency}", _RESULT if row.is_result else _SUM) for row in rows),
        default=0.0,
    )
    return round(widest, 1) if widest <= _WIDEST_SUM else None


def are_rates_narrow(rates: Sequence[Mapping[str, str]]) -> bool:
    """Whether the amounts of all rates fit into columns of the same width."""
    return all(_width(rate[name], _RATE) <= _WIDEST_RATE for rate in rates for name in ("net", "vat"))


def _width(text: str, size: float) -> float:
    parts = sum(_DIGIT if sign.isdigit() else _SEPARATOR if sign in " .," else _OTHER for sign in text)
    return parts * size * _POINT
