"""Characters that change the order in which others are shown: a text can look like another one by them."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

#: Embeddings, overrides and isolates of Unicode. The marks U+200E, U+200F and U+061C stay: they turn no character.
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")


def without_overrides(text: str) -> str:
    """The text in the order in which it is stored: U+202E would show ``fdp.exe`` as ``exe.pdf``."""
    return _OVERRIDES.sub("", text)


def clean_output(value: Any) -> Any:
    """A value of a template without overrides, for ``finalize`` of Jinja."""
    return without_overrides(value) if isinstance(value, str) and not isinstance(value, Markup) else value
