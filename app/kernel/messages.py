"""Messages that can be translated: English text for an API, id and values for a page.

``N_("Not found.")`` marks a text for extraction (``make words``). ``Message(N_("Use 1 to %(n)s years."), n=10)`` also
carries values. Both are strings in English; a page looks the id up in the viewer's language.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """Mark ``text`` for extraction. The result is the same text."""
    return text


class Message(str):
    """A finished English text that remembers its id and its values.

    ``id`` is a template in percent style. Without values it is used as it is, as ``gettext`` does. A value that is a
    ``Message``, a ``Code`` or an ``AnyOf`` is translated on a page. A ``Decimal`` has no zeros at its end; a page shows
    it in the viewer's number format. Every other value is shown as it is.
    """

    __slots__ = ("id", "values")

    id: str
    values: dict[str, Any]

    def __new__(cls, id: str, /, **values: Any) -> Message:  # noqa: A002 - gettext's own word
        shown = {name: _shortest(value) if isinstance(value, Decimal) else value for name, value in values.items()}
        message = super().__new__(cls, id % shown if shown else id)
        message.id, message.values = id, shown
        return message

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.id,), self.values


def _shortest(number: Decimal) -> Decimal:
    """The same number as people write it: ``2.50`` becomes ``2.5``, and ``2.0`` becomes ``2``."""
    text = f"{number:f}"
    return Decimal(text.rstrip("0").rstrip(".")) if "." in text else Decimal(text)


class Code(str):
    """A value that a page shows as a label: a status, a step, a section.

    ``code`` is the key of the label (``app/admin/i18n/labels.py``); the text is what an API shows, by default the code.
    """

    __slots__ = ("code",)

    code: str

    def __new__(cls, code: str, text: str | None = None) -> Code:
        value = super().__new__(cls, code if text is None else text)
        value.code = code
        return value

    def __getnewargs_ex__(self) -> tuple[tuple[str, str], dict[str, Any]]:
        return (self.code, str(self)), {}


class AnyOf(str):
    """Several codes of which one is meant: an API joins them with "or", a page lists their labels."""

    __slots__ = ("codes",)

    codes: tuple[Code, ...]

    def __new__(cls, *codes: Code) -> AnyOf:
        value = super().__new__(cls, " or ".join(codes))
        value.codes = codes
        return value

    def __getnewargs_ex__(self) -> tuple[tuple[Code, ...], dict[str, Any]]:
        return self.codes, {}


def plain_text(value: Any) -> str:
    """The text alone, for encoders that know no subclasses of ``str``.

    Raises:
        TypeError: ``value`` is no text.
    """
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"no text: {type(value).__name__}")


def as_message(text: str) -> Message:
    """``text`` as a part of another message, so that it is translated with it."""
    return text if isinstance(text, Message) else Message(text)
