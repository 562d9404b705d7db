"""Formulas in CSV files: texts are marked so that no spreadsheet computes them, and the marks are removed again."""

from __future__ import annotations

import re
from collections.abc import Callable

from app.kernel.identifiers import INVISIBLE

#: The mark before a text that begins like a formula.
GUARD = "'"
#: The signs that begin a formula, and their full-width forms, which some programs take for the same.
_SIGNS = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20]")
#: What programs skip, or remove, before a sign.
_SKIPPED = '"' + INVISIBLE
#: A program that separates cells by these does not see the quotation marks around a cell of a CSV with commas.
_SEPARATORS, _BREAKS = (";", "|"), frozenset("\t\r\n\x0b\x0c\x85\u2028\u2029")


def guard_formulas(text: str) -> str:
    """The text with an apostrophe before each formula: at the start, and wherever another program begins a cell."""
    return _replace_starts(text, lambda apostrophes: GUARD + apostrophes)


def unguard_formulas(text: str) -> str:
    """The text that ``guard_formulas`` got."""
    return _replace_starts(text, lambda apostrophes: apostrophes.removeprefix(GUARD))


def _replace_starts(text: str, change: Callable[[str], str]) -> str:
    """Change the apostrophes before each sign that may begin a cell; the time is linear in the length of the text."""
    parts: list[str] = []
    done = 0
    for sign in _SIGNS.finditer(text):
        head = text[done : sign.start()]
        bare = head.rstrip(GUARD)
        before = bare.rstrip(_SKIPPED)
        at_start = not before and done == 0
        if at_start or before.endswith(_SEPARATORS) or not _BREAKS.isdisjoint(bare[len(before) :]):
            parts += (bare, change(head[len(bare) :]))
        else:
            parts.append(head)
        parts.append(sign.group())
        done = sign.end()
    return "".join((*parts, text[done:]))
