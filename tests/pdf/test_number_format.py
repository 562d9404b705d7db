"""Number formats of documents."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.pdf.number_format import format_number


@pytest.mark.parametrize(
    ("number", "digits", "shown"),
    [
        ("1234567.5", 2, "12,34,567.50"),
        ("123456789012.345", None, "1,23,45,67,89,012.345"),
        ("999", None, "999"),
        ("1000", 0, "1,000"),
        ("100000", None, "1,00,000"),
        ("-0.5", 2, "-0.50"),
        ("1.500", None, "1.5"),
    ],
)
def test_india_groups_by_two(number: str, digits: int | None, shown: str) -> None:
    assert format_number(Decimal(number), digits=digits, language="en", by_two=True) == shown


def test_languages_have_their_own_signs() -> None:
    assert format_number(Decimal("1234567.5"), digits=2, language="en") == "1,234,567.50"
    assert format_number(Decimal("1234567.5"), digits=2, language="tr") == "1.234.567,50"
    assert format_number(Decimal("1234567.5"), digits=2, language="tr", by_two=True) == "12.34.567,50"
