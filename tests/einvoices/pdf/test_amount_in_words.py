"""Amounts in words in Turkish and English."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.einvoices.pdf.amount_in_words import english, in_words, turkish


@pytest.mark.parametrize(
    ("number", "in_turkish", "in_english"),
    [
        (0, "sıfır", "zero"),
        (1000, "bin", "one thousand"),
        (1100, "bin yüz", "one thousand one hundred"),
        (21, "yirmi bir", "twenty-one"),
        (201_001, "iki yüz bir bin bir", "two hundred one thousand one"),
        (1_000_000, "bir milyon", "one million"),
        (9_999_999_999_999, None, None),
    ],
)
def test_numbers_are_spelled(number: int, in_turkish: str | None, in_english: str | None) -> None:
    assert turkish(number)
    assert english(number)
    if in_turkish:
        assert (turkish(number), english(number)) == (in_turkish, in_english)


def test_amounts_are_spelled_with_their_currency() -> None:
    assert in_words(Decimal("120.40"), "TRY", "tr") == "Yalnız yüz yirmi Türk lirası kırk kuruş"
    assert in_words(Decimal("120.00"), "EUR", "en") == "One hundred twenty euros"
    assert in_words(Decimal("1234567.50"), "INR", "en") == (
        "Twelve lakh thirty-four thousand five hundred sixty-seven rupees and fifty paise"
    )
    assert in_words(Decimal("12345678901.00"), "INR", "en").startswith("One thousand two hundred thirty-four crore")
    assert in_words(Decimal("0.05"), "INR", "en") == "Zero rupees and five paise"
    assert in_words(Decimal("1.005"), "KWD", "en") == "One KWD and 5/1000"
    assert in_words(Decimal(7), "JPY", "tr") == "Yalnız yedi JPY"
