"""Ids as texts: only those that a row can have."""

from __future__ import annotations

import pytest

from app.kernel.database.sequences import MAX_ID, read_id


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7", 7),
        ("007", 7),
        (str(MAX_ID), MAX_ID),
        *((text, None) for text in ("", "0", "-1", "+1", "1.0", " 1", "²", "٣", "1_0", str(MAX_ID + 1), "9" * 5000)),
        ("0" * 20 + "9" * 5000, None),
    ],
)
def test_an_id_is_a_number_that_a_row_can_have(text: str, found: int | None) -> None:
    assert read_id(text) == found
