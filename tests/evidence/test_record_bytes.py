"""Canonical bytes are those of RFC 8785, and the same after a way through the database."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from app.evidence.record_bytes import canonical, decimal_text
from app.kernel import json

texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner))


@given(values)
def test_canonical_bytes_are_those_of_the_reference(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_keys_are_sorted_by_utf_16() -> None:
    assert canonical({"\U0001f600": 1, "\ue000": 2}) == '{"\U0001f600":1,"\ue000":2}'.encode()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_same_text_after_a_way_through_the_database(value: Decimal | float) -> None:
    assert canonical([value]) == canonical(json.decode(json.encode([value])))


@pytest.mark.parametrize(
    ("number", "text"),
    [("1.500", "1.5"), ("100", "100"), ("0.0000000001", "0.0000000001"), ("0.00", "0"), ("1E+3", "1000")],
)
def test_a_decimal_has_no_exponent_and_no_zeros_at_its_end(number: str, text: str) -> None:
    assert decimal_text(Decimal(number)) == text


def test_moments_and_large_integers_are_texts() -> None:
    assert (
        canonical([datetime(2026, 1, 18, tzinfo=UTC), 2**53]) == b'["2026-01-18T00:00:00.000000Z","9007199254740992"]'
    )
    with pytest.raises(TypeError, match="set has no canonical form"):
        canonical({1})
