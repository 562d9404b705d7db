"""Widths of the sums: never less than what the font needs, and none for amounts that need a layout by their content."""

from __future__ import annotations

import pytest
from fontTools.ttLib import TTFont

from app.einvoices.currencies import CURRENCIES
from app.einvoices.pdf import sum_columns
from app.einvoices.pdf.sums import SumRow
from app.pdf.renderer import FONTS

#: The minus sign is of a font of the machine; this is the one of DejaVu Sans, which is wide.
_WIDE_MINUS = 0.838
AMOUNTS = ("0,00", "1.111.111,11", "−88.888.888,88", "12,34,56,789.00", "99.999.999.999")


def _printed(text: str, weight: str, size: float) -> float:
    """The width of a text in millimetres, by the font file."""
    font = TTFont(FONTS / f"NotoSans-{weight}.ttf")
    names, widths = font.getBestCmap(), font["hmtx"]
    em = font["head"].unitsPerEm
    units = sum(widths[names[ord(sign)]][0] if ord(sign) in names else _WIDE_MINUS * em for sign in text)
    return float(units / em * size * 25.4 / 72)


@pytest.mark.slow
@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize(("is_result", "weight", "size"), [(False, "Regular", 9), (True, "Bold", 13)])
def test_sums_of_every_currency_fit(amount: str, is_result: bool, weight: str, size: float) -> None:
    for currency in CURRENCIES:
        width = sum_columns.sum_width([SumRow("Total", amount, is_result)], currency)
        assert width is not None
        assert _printed(f"{amount} {currency}", weight, size) <= width + 0.05, currency


def test_the_widest_row_decides() -> None:
    rows = [SumRow("Lines", "1,00"), SumRow("Total", "1.000,00", True), SumRow("Prepaid", "−2,00")]
    assert sum_columns.sum_width(rows, "TRY") == sum_columns.sum_width(rows[1:2], "TRY")


def test_very_long_amounts_have_no_width() -> None:
    assert sum_columns.sum_width([SumRow("Total", "9.999.999.999.999.999,000", True)], "KWD") is None
    assert not sum_columns.are_rates_narrow([{"net": "9.999.999.999.999.999,000", "vat": "0"}])


def test_narrow_rates_fit_their_columns() -> None:
    text = "888.888.888,88"
    assert sum_columns.are_rates_narrow([{"net": text, "vat": text}])
    # Of 46 % of 182 mm less 8 mm, 15 mm are the first column; the others share the rest, less 3 mm of padding each.
    assert _printed(text, "Regular", 9) <= sum_columns._WIDEST_RATE <= (182 * 0.46 - 8 - 15) / 2 - 3
