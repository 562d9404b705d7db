"""What a user or a key may be called; both names are shown on one line, to people."""

from __future__ import annotations

from app.kernel.messages import N_, Message

MAX_NAME_LENGTH = 200
NAME_RULE = Message(N_("Use 1 to %(n)s printable characters."), n=MAX_NAME_LENGTH)


def is_name(text: str) -> bool:
    """Whether ``text`` can stand as a name."""
    return bool(text.strip()) and len(text) <= MAX_NAME_LENGTH and text.isprintable()
