"""Headings of roll files. The reader takes them into a child process, so this module imports little."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message

#: The column without which a row is no roll.
NUMBER = "supplierRollNo"


@dataclass(frozen=True, slots=True)
class RollColumns:
    """The columns that a roll file may have, by the names of the fields in JSON."""

    names: tuple[str, ...]

    def name_columns(self, number: int, titles: list[str]) -> list[str | None]:
        """The field of each column of a file.

        Raises:
            Invalid: a column is unknown, or comes twice.
        """
        by_title = {_normalized(name): name for name in self.names}
        names: list[str | None] = []
        faults: list[str] = []
        for title in titles:
            name = by_title.get(_normalized(title)) if title.strip() else None
            if title.strip() and name is None:
                text = N_("Unknown column “%(name)s”; known are %(names)s.")
                faults.append(Message(text, name=title[:100], names=", ".join(self.names)))
            elif name is not None and name in names:
                faults.append(Message(N_("The column %(name)s comes twice."), name=name))
            names.append(name)
        if faults:
            raise Invalid({"row": {number: faults}})
        return names

    def is_heading(self, titles: list[str]) -> bool:
        """Whether a row can be the headings."""
        return any(_normalized(title) == _normalized(NUMBER) for title in titles)

    def is_known(self, title: str) -> bool:
        """Whether a cell is a heading."""
        return _normalized(title) in map(_normalized, self.names)


def _normalized(title: str) -> str:
    """``Supplier Roll No``, ``supplier_roll_no`` and ``supplierRollNo`` are the same title."""
    return re.sub(r"[\W_]", "", title).lower()
