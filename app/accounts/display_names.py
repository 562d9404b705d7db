"""What a user or a key may be called; both names are shown on one line, to people."""

from __future__ import annotations

LONGEST_NAME = 200
NAME_RULE = f"Use 1 to {LONGEST_NAME} printable characters."


def is_name(text: str) -> bool:
    """Whether ``text`` can stand as a name."""
    return bool(text.strip()) and len(text) <= LONGEST_NAME and text.isprintable()
