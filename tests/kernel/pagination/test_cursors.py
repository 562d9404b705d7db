"""The cursor codec: what it wrote it reads, and anything else is refused."""

from __future__ import annotations

import pytest

from app.kernel.errors import Invalid
from app.kernel.pagination.cursors import decode_cursor, encode_cursor


@pytest.mark.parametrize("values", [b"1", b"12", b"123", b"[1,2]", "é?/".encode()])
def test_a_cursor_is_read_back_and_safe_in_a_url(values: bytes) -> None:
    cursor = encode_cursor(values)
    assert not set(cursor) & set("=+/&?")
    assert decode_cursor(cursor, bytes) == values


@pytest.mark.parametrize("cursor", ["x", "é", encode_cursor(b"one")])
def test_another_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode_cursor(cursor, int)
    assert refused.value.errors == {"cursor": ["Not a cursor of this list."]}
