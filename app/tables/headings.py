"""The row of headings: a company's name or the name of the list can stand above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.kernel.messages import N_, Message
from app.tables.layout import Layout, UnreadableTable

#: Filled rows at the top of a table among which the headings are looked for.
TOP_ROWS = 20


@dataclass(frozen=True, slots=True)
class TopRow:
    """A filled row at the top: its number in the file and its cells as texts.

    ``is_joined``: one of its cells is merged with the row above.
    """

    number: int
    titles: list[str]
    is_joined: bool = False


def find_headings(rows: Sequence[TopRow], layout: Layout) -> int:
    """The index of the headings: the one row that can be them, else the row with the most known titles.

    Without a known title it is the first of the rows with the most cells, for a title of the list has only one.

    Raises:
        UnreadableTable: several rows can be the headings.
    """
    known = [sum(map(layout.is_known, row.titles)) for row in rows]
    possible: list[int] = []
    for index, row in enumerate(rows):
        if not layout.is_heading(row.titles):
            continue
        # Headings of two levels: a cell that both rows share is merged, and one of the rows names more columns.
        if row.is_joined and possible and possible[-1] == index - 1 and known[index] != known[index - 1]:
            if known[index] > known[index - 1]:
                possible[-1] = index
        else:
            possible.append(index)
    if len(possible) > 1:
        sentence = N_("Rows %(first)s and %(second)s can both be the headings. Remove the one that is not.")
        raise UnreadableTable(Message(sentence, first=rows[possible[0]].number, second=rows[possible[1]].number))
    if possible:
        return possible[0]
    counts = known if any(known) else [sum(bool(title.strip()) for title in row.titles) for row in rows]
    return counts.index(max(counts))
