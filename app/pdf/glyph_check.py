"""Characters that no font can print: found while WeasyPrint draws a document, and named in an error."""

from __future__ import annotations

import logging
import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from app.kernel.bidi import without_overrides
from app.pdf.errors import PdfNotMade

_WEASYPRINT = logging.getLogger("weasyprint")
#: How WeasyPrint begins its warning about a missing glyph; the arguments are the character and its number.
_WARNING = ".notdef glyph rendered"
#: Line ends that HTML does not know, then control characters, which have no glyph in any font.
_LINE_ENDS = re.compile("[\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_MOST_NAMED = 10


class UnprintableCharacters(PdfNotMade):
    """The document has characters that no font of this machine has."""

    def __init__(self, characters: set[str]) -> None:
        self.characters = frozenset(characters)
        ordered = sorted(characters)
        names = ", ".join(map(describe, ordered[:_MOST_NAMED]))
        more = f" and {len(ordered) - _MOST_NAMED} more" if len(ordered) > _MOST_NAMED else ""
        super().__init__(f'No font has these characters: {names}{more}. See "flask hub doctor".')


def describe(character: str) -> str:
    """The character with its number and name, for example ``卷 (U+5377 CJK UNIFIED IDEOGRAPH-5377)``."""
    number, name = f"U+{ord(character):04X}", unicodedata.name(character, "")
    shown = f"{character} " if character.isprintable() else ""
    return f"{shown}({' '.join(filter(None, (number, name)))})"


def replace_controls(html: str) -> str:
    """The text with all line ends as ``\\n`` and without characters that nobody can see: other controls, overrides."""
    return without_overrides(_CONTROLS.sub("", _LINE_ENDS.sub("\n", html)))


@contextmanager
def collect_missing_glyphs() -> Iterator[set[str]]:
    """Collect the characters that WeasyPrint draws without a glyph in this thread; its warnings are not logged."""
    found: set[str] = set()
    thread = threading.get_ident()

    def is_other(record: logging.LogRecord) -> bool:
        if record.thread != thread or not str(record.msg).startswith(_WARNING) or not isinstance(record.args, tuple):
            return True
        found.add(str(record.args[0]))
        return False

    _WEASYPRINT.addFilter(is_other)
    try:
        yield found
    finally:
        _WEASYPRINT.removeFilter(is_other)
