"""What a user or a key may be called; both names are shown on one line, to people."""

from __future__ import annotations

MAX_NAME_LENGTH = 200
NAME_RULE = f"Use 1 to {MAX_NAME_LENGTH} printable characters."


def is_name(text: str) -> bool:
    """Whether ``text`` can stand as a name."""
    return bool(text.strip()) and len(text) <= MAX_NAME_LENGTH and text.isprintable()
