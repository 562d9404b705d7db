"""Clean form of identifying texts: numbers, codes, external ids and names that are keys."""

from __future__ import annotations

import unicodedata

#: White space, control characters and characters without a shape, as ranges of code points (both ends included).
_INVISIBLE_RANGES = (
    (0x0000, 0x0020),  # control characters, tab, line ends, space
    (0x007F, 0x00A0),  # control characters, no-break space
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x1680, 0x1680),  # Ogham space
    (0x17B4, 0x17B5),  # inherent vowels of Khmer
    (0x180B, 0x180F),  # Mongolian separators
    (0x2000, 0x200F),  # spaces, zero width characters, direction marks
    (0x2028, 0x202F),  # line and paragraph separators, directions, narrow no-break space
    (0x205F, 0x206F),  # mathematical space, word joiner, directions
    (0x2800, 0x2800),  # blank of Braille
    (0x3000, 0x3000),  # ideographic space
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # Hangul filler
    (0xFFF0, 0xFFFB),  # reserved, interlinear annotations
    (0xFFFE, 0xFFFF),  # no characters; U+FFFE is a byte order mark that was read in the wrong order
    (0x1BCA0, 0x1BCA3),  # controls of shorthand
    (0x1D173, 0x1D17A),  # controls of musical notation
    (0xE0000, 0xE0FFF),  # tags, variation selectors
)
INVISIBLE = "".join(chr(code) for first, last in _INVISIBLE_RANGES for code in range(first, last + 1))


def clean_identifier(text: str) -> str:
    """``text`` in normal form NFC, without white space and invisible characters at its ends; inside they stay."""
    if text.isascii() and text and "!" <= text[0] <= "~" and "!" <= text[-1] <= "~":
        return text
    return unicodedata.normalize("NFC", text.strip(INVISIBLE))


def clean_beginning(text: str) -> str:
    """Clean form of the beginning of an identifier: white space at its end is inside the identifier and stays."""
    return unicodedata.normalize("NFC", text.lstrip(INVISIBLE))
