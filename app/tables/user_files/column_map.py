"""Columns by the choice of a person: a heading that the hub does not know gets a column, or is left out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from app.tables.layout import Layout

#: The column of a heading that is left out.
LEFT_OUT = ""
#: Headings that a file of refused rows adds; every reader leaves them out.
REASON = "reason"
#: Characters of a heading that count.
MAX_HEADING = 100
_ALIKE = 0.8


def heading_key(title: str) -> str:
    """``Roll No.``, ``roll_no`` and ``rollNo`` are the same heading."""
    text = unicodedata.normalize("NFKC", title).replace("İ", "i").casefold().replace("ı", "i")
    return re.sub(r"[\W_]", "", text)[:MAX_HEADING]


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The column of each heading by ``heading_key``; a heading that is not in it is read by its own name."""

    columns: Mapping[str, str] = field(default_factory=dict)

    def names(self, titles: Sequence[str]) -> list[str]:
        """The headings as if the file had the names of the columns; an empty text is a column to leave out."""
        own = {heading_key(REASON): LEFT_OUT, **self.columns}
        return [own.get(heading_key(title), title) if title.strip() else title for title in titles]

    def apply(self, layout: Layout) -> Layout:
        """The layout for files with these headings."""
        mapped = _MappedColumns(layout, self)
        return replace(layout, name_columns=mapped.names, is_heading=mapped.is_heading, is_known=mapped.is_known)


@dataclass(frozen=True, slots=True)
class _MappedColumns:
    layout: Layout
    columns: ColumnMap

    def names(self, number: int, titles: list[str]) -> list[str | None]:
        return self.layout.name_columns(number, self.columns.names(titles))

    def is_heading(self, titles: list[str]) -> bool:
        return self.layout.is_heading(self.columns.names(titles))

    def is_known(self, title: str) -> bool:
        return self.layout.is_known(self.columns.names([title])[0])


def guess_column(title: str, known: Mapping[str, str]) -> str:
    """The column that a heading probably means, or ``LEFT_OUT``; ``known`` has columns by the keys of their names."""
    key = heading_key(title)
    alike = [key] if key in known else get_close_matches(key, known, n=1, cutoff=_ALIKE)
    return known[alike[0]] if alike else LEFT_OUT
