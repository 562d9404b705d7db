"""Definition of a list: its columns, which of them sort it, and their values in a file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel.speaklater import LazyString

from app.kernel.errors import NotFound

#: What a page of rows needs besides the rows, for example names by id.
Details = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list.

    Args:
        name: its name in templates and stored choices.
        label: its heading.
        text: its value in a file.
        kind: "text" (cut where there is no room), "word" (never wraps) or "number" (never wraps, on the right).
        sort: the order of the source that a first click on the heading chooses; empty: it sorts nothing.
        always: it cannot be hidden.
        hidden: it is shown only to users who chose it.
    """

    name: str
    label: LazyString
    text: Callable[[Any, Details], Any]
    kind: str = "word"
    sort: str = ""
    always: bool = False
    hidden: bool = False


def field(name: str) -> Callable[[Any, Details], Any]:
    """The value of a column that is a field of its row."""
    return lambda row, _details: getattr(row, name)


@dataclass(frozen=True, slots=True)
class ListTable:
    """A list: its name in stored choices, its title, and its columns.

    ``has_buttons`` adds a last column of buttons, which is in no file.
    """

    name: str
    title: LazyString
    columns: Sequence[Column]
    has_buttons: bool = False

    def chosen(self, names: Collection[str] | None) -> list[Column]:
        """The columns that a user chose, or those of a user who chose none."""
        if names is None:
            return [column for column in self.columns if column.always or not column.hidden]
        return [column for column in self.columns if column.always or column.name in names]


#: Name -> list; filled by ``define``.
TABLES: dict[str, ListTable] = {}


def define(name: str, title: LazyString, columns: Sequence[Column], *, has_buttons: bool = False) -> ListTable:
    """Define a list and make its columns a choice of the users."""
    TABLES[name] = ListTable(name, title, columns, has_buttons)
    return TABLES[name]


def find_table(name: str) -> ListTable:
    """Raises ``NotFound`` if there is no list of this name."""
    if name not in TABLES:
        raise NotFound
    return TABLES[name]
