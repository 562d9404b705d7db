"""Headings of files of rolls and of receipts. The reader takes them into a child process: it imports little."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message

#: The column without which a row is no roll.
NUMBER = "supplierRollNo"


@dataclass(frozen=True, slots=True)
class RollColumns:
    """The columns that a file may have, by the names of the fields in JSON.

    ``keys`` are those by which the row of headings is recognised, ``needed`` those that may not be missing.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...] = (NUMBER,)
    needed: tuple[str, ...] = ()

    def name_columns(self, number: int, titles: list[str]) -> list[str | None]:
        """The field of each column of a file.

        Raises:
            Invalid: a column is unknown, comes twice or is missing.
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
        if missing := [name for name in self.needed if name not in names]:
            text = N_("Missing columns: %(names)s.") if len(missing) > 1 else N_("Missing column: %(names)s.")
            faults.append(Message(text, names=", ".join(missing)))
        if faults:
            raise Invalid({"row": {number: faults}})
        return names

    def is_heading(self, titles: list[str]) -> bool:
        """Whether a row can be the headings."""
        return {_normalized(key) for key in self.keys} <= {_normalized(title) for title in titles}

    def is_known(self, title: str) -> bool:
        """Whether a cell is a heading."""
        return _normalized(title) in map(_normalized, self.names)


def _normalized(title: str) -> str:
    """``Supplier Roll No``, ``supplier_roll_no`` and ``supplierRollNo`` are the same title."""
    return re.sub(r"[\W_]", "", title).lower()
