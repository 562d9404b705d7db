"""At most 100 errors per answer: a hostile payload of a megabyte can break a rule half a million times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.kernel.messages import N_, Message

MAX_ERRORS = 100


class NotShown(Message):
    """An entry for errors that are not shown, and for values that were not checked."""

    __slots__ = ()

    def __new__(cls, *, errors: int = 0, values: int = 0) -> NotShown:
        text = N_("%(errors)s more errors are not shown, and %(values)s values were not checked.")
        return super().__new__(cls, text, errors=errors, values=values)  # type: ignore[return-value]


def count_errors(errors: Any) -> int:
    """The number of texts in nested field errors."""
    return sum(1 for _ in _texts(errors))


def limit_errors(errors: Any, most: int = MAX_ERRORS) -> Any:
    """The first ``most`` of nested field errors, and a last entry that says how many more there are."""
    if not isinstance(errors, Mapping) or count_errors(errors) <= most:
        return errors
    limit = _Limit(most)
    shown = limit.cut(errors)
    more = NotShown(errors=limit.hidden, values=limit.unchecked)
    about_all = shown.pop("_schema", [])
    return {**shown, "_schema": [*about_all, more]}  # added again, so that it is the last key


@dataclass(slots=True)
class _Limit:
    """How many errors may still be shown, and what is not shown."""

    left: int
    hidden: int = 0
    unchecked: int = 0

    def cut(self, errors: Any) -> Any:
        if isinstance(errors, Mapping):
            below = ((key, self.cut(value)) for key, value in errors.items())
            return {key: value for key, value in below if value}
        return [text for text in _texts(errors) if self._is_shown(text)]

    def _is_shown(self, text: Any) -> bool:
        if isinstance(text, NotShown):
            self.hidden += text.values["errors"]
            self.unchecked += text.values["values"]
        elif self.left:
            self.left -= 1
            return True
        else:
            self.hidden += 1
        return False


def _texts(errors: Any) -> Iterator[Any]:
    if isinstance(errors, Mapping):
        for below in errors.values():
            yield from _texts(below)
    elif isinstance(errors, str):
        yield errors
    else:
        yield from errors
