"""What the hub says in English, said in the viewer's language: also sentences with values in them."""

from __future__ import annotations

import re
from functools import cache

from flask_babel import get_locale, gettext

from app.admin.i18n import extract, labels

_SOURCE = "en"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
#: Values that are words of the hub, or several with an "or" between them; all others are somebody's own.
_CODES = frozenset({"allowed", "does", "kind", "section", "status", "verb"})
_BETWEEN = " or "


def translate(text: str | None) -> str:
    """A sentence of a refusal or of a stored reason; what the catalogue does not know stays as it is."""
    language = str(get_locale() or _SOURCE)
    if not text or language == _SOURCE:
        return text or ""
    if (known := str(gettext(text))) != text:
        return known
    for pattern, template in _templates(language):
        if found := pattern.fullmatch(text):
            values = {name: _value(name, value) for name, value in found.groupdict().items()}
            return str(gettext(template)).format_map(values)
    return text


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """The sentences with values, as patterns; those that say most by themselves first."""
    known = [str(message.id) for message in extract.read(language) if _PLACEHOLDER.search(str(message.id))]
    known.sort(key=lambda template: len(_PLACEHOLDER.sub("", template)), reverse=True)
    return [(_pattern(template), template) for template in known]


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACEHOLDER.split(template)
    texts, names = parts[::2], parts[1::2]
    held = [f"(?P<{name}>.+?)" for name in names] + [""]
    return re.compile("".join(re.escape(text) + group for text, group in zip(texts, held, strict=True)), re.DOTALL)


def _value(name: str, value: str) -> str:
    if name not in _CODES:
        return value
    return ", ".join(_word(name, part) for part in value.split(_BETWEEN))


def _word(name: str, word: str) -> str:
    for code in (f"{name}.{word}", word):
        if code in labels.WORDS:
            return labels.label(code)
    named = word[:1].upper() + word[1:]  # a step is called by its name within a sentence
    known = str(gettext(named))
    return known if known != named else word
