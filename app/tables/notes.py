"""Rows that are no data but a note of a person: ``Prepared by: Ali``, ``Note: …``, a row of signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_MARKS = (":", "\uff1a")
_LONGEST_LOOK = 200
_SEPARATOR = " | "


def find_note(filled: Sequence[str], named: Mapping[str, str], *, is_narrow: bool, required: frozenset[str]) -> str:
    """The text of a row that looks like a note; empty for a row of data. The row has no number and no date.

    Args:
        filled: the texts of all filled cells, also beside the columns of the table.
        named: those in the columns of the table, by their names.
        is_narrow: the table has one column only, so that each row has one text.
        required: the columns without which a row is nothing.
    """
    shown = list(named.values()) or filled
    is_single = len(shown) == 1
    is_note = not named or (is_single and not required <= named.keys())
    if not is_note and not is_narrow:
        is_note = _has_words(shown[0]) or (is_single and not any(sign.isdigit() for sign in shown[0]))
    return _SEPARATOR.join(text.strip() for text in shown)[:_LONGEST_LOOK] if is_note else ""


def _has_words(text: str) -> bool:
    """Whether the text has a colon, or two words of letters: ``Page 1 of 2``."""
    start = text[:_LONGEST_LOOK]
    words = [word for word in start.split() if len(word) > 1 and word.isalpha()]
    return len(words) > 1 or any(mark in start for mark in _MARKS)
