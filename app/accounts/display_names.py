"""Rule for the names of users, tokens and keys: printable, on one line."""

from __future__ import annotations

from app.kernel.messages import N_, Message

MAX_NAME_LENGTH = 200
NAME_RULE = Message(N_("Use 1 to %(n)s printable characters."), n=MAX_NAME_LENGTH)


def is_name(text: str) -> bool:
    """Whether ``text`` is a valid name."""
    return bool(text.strip()) and len(text) <= MAX_NAME_LENGTH and text.isprintable()
