"""Texts of the hub in the viewer's language: messages by their id and values, plain texts by themselves."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import get_locale, gettext

from app.admin.i18n import labels
from app.admin.i18n.formats import quantity
from app.kernel.messages import AnyOf, Code, Message
from app.languages import SOURCE


def translate(text: str | None, *, with_labels: bool = False) -> str:
    """A refusal or a stored reason; what has no translation stays as it is.

    In English it is what the API says, codes included. A stored reason is finished English text: only those without
    values are known. ``with_labels`` is for texts that no API has: codes are shown as labels in English too.
    """
    if not text or (not with_labels and str(get_locale() or SOURCE) == SOURCE):
        return str(text or "")
    if not isinstance(text, Message) or not text.values:
        return str(gettext(str(text)))
    return str(gettext(text.id)) % {name: _value(value) for name, value in text.values.items()}


def _value(value: Any) -> Any:
    if isinstance(value, Message):
        return translate(value)
    if isinstance(value, Code):
        return _label(value)
    if isinstance(value, AnyOf):
        return ", ".join(map(_label, value.codes))
    if isinstance(value, Decimal):
        return quantity(value)
    return value


def _label(code: Code) -> str:
    return labels.label(code.code) if labels.is_known(code.code) else str(code)
