"""Elements of XML as texts: an element without content is left out, and so is a group of such elements."""

from __future__ import annotations

import re
from decimal import Decimal

from app.formats.canonical_json import shortest
from app.formats.values import least_decimals

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
#: Characters that XML 1.0 cannot have.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile('[&<>"\r]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}


def element(name: str, text: str | None, **attributes: str | None) -> str:
    """``<name>text</name>``; nothing without a text. An attribute without a value is left out."""
    if text is None or not text.strip():
        return ""
    return f"<{name}{_attributes(attributes)}>{escaped(text.strip())}</{name}>"


def group(name: str, *children: str, **attributes: str | None) -> str:
    """An element of elements; nothing if all of them are nothing."""
    content = "".join(children)
    return f"<{name}{_attributes(attributes)}>{content}</{name}>" if content else ""


def escaped(text: str) -> str:
    """The text for XML; a character that XML cannot have becomes U+FFFD."""
    clean = _FORBIDDEN.sub("\ufffd", text)
    return _SPECIAL.sub(lambda found: _ENTITIES[found[0]], clean)


def number(value: Decimal | None) -> str | None:
    """A quantity, price or percent in its shortest form."""
    return None if value is None else shortest(value)


def amount_text(value: Decimal | None, currency: str | None) -> str | None:
    """An amount with the decimals of its currency at least."""
    if value is None:
        return None
    whole, _, decimals = shortest(value).partition(".")
    decimals = decimals.ljust(least_decimals(currency), "0")
    return f"{whole}.{decimals}" if decimals else whole


def _attributes(attributes: dict[str, str | None]) -> str:
    return "".join(f' {name}="{escaped(value)}"' for name, value in attributes.items() if value)
