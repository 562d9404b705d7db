"""Characters for which a font has a glyph without an outline: they would print as a blank.

WenQuanYi Zen Hei has such glyphs, for example for the ``ゞ`` of いすゞ (Isuzu).
"""

from __future__ import annotations

import io
import struct
import unicodedata
from collections.abc import Iterable
from typing import Any

from fontTools.ttLib import TTFont
from weasyprint.text.fonts import get_hb_object_data

#: Letters and symbols whose glyph is a blank by definition: fillers of Hangul, an empty Braille cell, a null note.
_BLANK_BY_DEFINITION = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
_VISIBLE = frozenset("LNPS")
#: By the name of a font in a PDF, which has its family, weight and style: fonts of the machine do not change.
_blank: dict[bytes, frozenset[str]] = {}


def find_blank_characters(fonts: Iterable[Any]) -> set[str]:
    """The characters that these fonts of a drawn document printed as blanks."""
    found: set[str] = set()
    for font in fonts:
        if font.bitmap or font.png or font.svg or font.colr:
            continue
        if font.name not in _blank:
            _blank[font.name] = _characters_without_outline(get_hb_object_data(font.hb_face), font.index)
        blank = _blank[font.name]
        # A text of several characters is drawn by several glyphs, of which one may be blank.
        found.update(text[0] for text in font.to_unicode.values() if blank and _is_single(text) and text[0] in blank)
    return found


def _is_single(text: str) -> bool:
    """Whether the text is one character, perhaps with variation selectors."""
    return bool(text) and all("\ufe00" <= sign <= "\ufe0f" or sign >= "\U000e0100" for sign in text[1:])


def _characters_without_outline(content: bytes, index: int) -> frozenset[str]:
    font = TTFont(io.BytesIO(content), fontNumber=index, lazy=True)
    if "glyf" not in font or "cmap" not in font:
        return frozenset()
    places = _places(font)
    names = font.getBestCmap() or {}
    order = {name: number for number, name in enumerate(font.getGlyphOrder())}
    blank = {chr(code) for code, name in names.items() if places[order[name]] == places[order[name] + 1]}
    return frozenset(
        sign for sign in blank if unicodedata.category(sign)[0] in _VISIBLE and sign not in _BLANK_BY_DEFINITION
    )


def _places(font: TTFont) -> tuple[int, ...]:
    """Where the outline of each glyph begins; an empty one ends where it begins."""
    raw = font.getTableData("loca")
    is_long = font["head"].indexToLocFormat == 1
    return struct.unpack(f">{len(raw) // (4 if is_long else 2)}{'I' if is_long else 'H'}", raw)
