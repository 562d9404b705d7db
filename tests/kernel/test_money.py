"""Amounts: rounding half up, and the shortest exact form."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import json
from app.kernel.money import plain_decimal, round_half_up

PRICES = st.decimals(0, 9_999_999_999, places=4)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("0.005", "0.01"),
        ("0.0049", "0.00"),
        ("1.015", "1.02"),
        ("2.675", "2.68"),
        ("-0.005", "-0.01"),
        ("920", "920.00"),
    ],
)
def test_halves_are_rounded_up(amount: str, cents: str) -> None:
    assert str(round_half_up(Decimal(amount))) == cents


@given(st.integers(1, 1_000_000_000), PRICES)
def test_the_result_is_the_nearest_cent_and_a_half_is_rounded_up(quantity: int, price: Decimal) -> None:
    exact = Fraction(quantity) * Fraction(price)
    error = Fraction(round_half_up(quantity * price)) - exact
    assert -Fraction(1, 200) < error <= Fraction(1, 200)


@given(PRICES)
def test_rounding_is_idempotent(price: Decimal) -> None:
    assert round_half_up(round_half_up(price)) == round_half_up(price)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("920.00", "920.0"), ("3.50", "3.5"), ("0", "0.0"), ("1E+3", "1000.0"), ("0.0100", "0.01"), ("-1.20", "-1.2")],
)
def test_numbers_look_as_in_the_document(amount: str, shown: str) -> None:
    assert json.encode_text(plain_decimal(Decimal(amount))) == shown


@given(st.decimals(-9_999_999_999_999, 9_999_999_999_999, places=4))
def test_the_shortest_form_is_the_same_number(amount: Decimal) -> None:
    assert plain_decimal(amount) == amount
