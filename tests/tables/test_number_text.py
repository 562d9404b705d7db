"""Numbers in text cells."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.tables.number_text import NotANumber, NumberStyle, parse_number


@pytest.mark.parametrize(
    ("text", "comma_locale", "number"),
    [
        ("12", True, "12"),
        ("-12,50", True, "-12.5"),
        ("12,50", False, "12.5"),
        ("1.250,75", True, "1250.75"),
        ("1,250.75", False, "1250.75"),
        ("1.250.000", True, "1250000"),
        ("1,250,000", False, "1250000"),
        ("1,250", True, "1.25"),
        ("1.250", False, "1.25"),
        ("0.250", True, "0.25"),
        ("1250.500", True, "1250.5"),
        ("10.5", True, "10.5"),
        ("1 250,75", True, "1250.75"),
        ("1\u00a0250,75", True, "1250.75"),
        ("1'250.75", False, "1250.75"),
        ("+5", False, "5"),
        (".5", False, "0.5"),
        ("5.", False, "5"),
    ],
)
def test_what_can_mean_one_number_only_is_read(text: str, comma_locale: bool, number: str) -> None:
    assert parse_number(text, NumberStyle(comma_locale=comma_locale)) == Decimal(number)


@pytest.mark.parametrize(("text", "comma_locale"), [("1.250", True), ("1,250", False), ("-999.999", True)])
def test_what_can_mean_two_numbers_is_refused(text: str, comma_locale: bool) -> None:
    with pytest.raises(NotANumber, match="can mean"):
        parse_number(text, NumberStyle(comma_locale=comma_locale))


@pytest.mark.parametrize(
    "text",
    ["", "-", "x", "1e5", "1..5", "1,2,3", "12.34.56", "1.25,0.5", "12,345.67,8", "٣", "NaN", "9" * 100],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    for comma_locale in (True, False):
        with pytest.raises(NotANumber):
            parse_number(text or " x", NumberStyle(comma_locale=comma_locale))
