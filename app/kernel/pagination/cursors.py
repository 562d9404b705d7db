"""Cursors of lists: URL-safe base64 without padding around the values of the last row."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TypeVar

from app.kernel.errors import Invalid, MalformedJson
from app.kernel.messages import N_

Values = TypeVar("Values")


def encode_cursor(values: bytes) -> str:
    return base64.urlsafe_b64encode(values).decode().rstrip("=")


def decode_cursor(cursor: str, parse: Callable[[bytes], Values]) -> Values:
    """The values in ``cursor``, read by ``parse``.

    Raises:
        Invalid: the cursor is not base64, or ``parse`` raised an error of value, type, range or JSON.
    """
    try:
        return parse(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (TypeError, ValueError, OverflowError, MalformedJson) as error:
        raise Invalid({"cursor": [N_("Not a cursor of this list.")]}) from error
