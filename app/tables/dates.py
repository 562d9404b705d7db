"""Dates in text cells: the format that a user names, such as ``dd.mm.yyyy``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from app.kernel.errors import BadRequest
from app.kernel.messages import N_, Message

_PARTS = {"yyyy": r"(?P<year>\d{4})", "mm": r"(?P<month>\d{1,2})", "dd": r"(?P<day>\d{1,2})"}
_TOKENS = re.compile(r"yyyy|mm|dd|[./ -]")
#: Excel writes the time of a date cell too; a midnight is no time.
_MIDNIGHT = r"(?:[ T]0{1,2}:00(?::00)?)?"
ISO = re.compile(r"\d{4}-\d{2}-\d{2}" + _MIDNIGHT, re.ASCII)


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A format of dates: day, month and year of four digits in any order, with ``.``, ``/``, ``-`` or a space."""

    name: str
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> DateFormat:
        """The format that ``text`` names.

        Raises:
            BadRequest: it does not name day, month and year once each.
        """
        tokens = _TOKENS.findall(text.lower())
        if "".join(tokens) != text.lower() or sorted(t for t in tokens if t in _PARTS) != sorted(_PARTS):
            sentence = N_("%(name)s is no date format. Use for instance dd.mm.yyyy, mm/dd/yyyy or yyyy-mm-dd.")
            raise BadRequest(Message(sentence, name=text))
        pattern = "".join(_PARTS.get(token, re.escape(token)) for token in tokens)
        return cls(text, re.compile(pattern + _MIDNIGHT, re.ASCII))

    def read(self, text: str) -> date | None:
        """The day that ``text`` means; None if it is no day in this format."""
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        try:
            return date(int(found["year"]), int(found["month"]), int(found["day"]))
        except ValueError:
            return None
