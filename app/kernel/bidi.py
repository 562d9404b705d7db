"""Characters that change the order in which others are shown: a text can look like another one by them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from markupsafe import Markup

#: Embeddings, overrides and isolates of Unicode. The marks U+200E, U+200F and U+061C stay: they turn no character.
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")


#: Bidirectional classes of characters that have a direction: left to right, right to left, Arabic letters.
_LEFT_TO_RIGHT, _RIGHT_TO_LEFT = "L", frozenset({"R", "AL"})


def direction_of(text: object) -> str:
    """``rtl`` if the first character with a direction is of Arabic, Hebrew or a script like these, else ``ltr``."""
    for character in str(text):
        kind = unicodedata.bidirectional(character)
        if kind == _LEFT_TO_RIGHT:
            return "ltr"
        if kind in _RIGHT_TO_LEFT:
            return "rtl"
    return "ltr"


def without_overrides(text: str) -> str:
    """The text in the order in which it is stored: U+202E would show ``fdp.exe`` as ``exe.pdf``."""
    return _OVERRIDES.sub("", text)


def clean_output(value: Any) -> Any:
    """A value of a template without overrides, for ``finalize`` of Jinja."""
    return without_overrides(value) if isinstance(value, str) and not isinstance(value, Markup) else value
