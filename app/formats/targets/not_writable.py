"""``NotWritable``: what an invoice says and a format cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """The field of the canonical form, and a sentence about it."""

    field: str
    message: str


class NotWritable(Exception):
    """The format cannot say what the invoice says, and leaving it out would change amounts or the meaning."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{each.field}: {each.message}" for each in problems))
        self.problems = tuple(problems)


def refuse_if_any(problems: Sequence[Problem]) -> None:
    """Raise ``NotWritable`` if there is a problem."""
    if problems:
        raise NotWritable(problems)
