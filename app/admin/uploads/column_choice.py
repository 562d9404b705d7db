"""Which heading of a file is which column: what the user chose for it, remembered, and what a new one may mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import request
from flask_babel import gettext

from app.accounts.principals import authenticate
from app.admin.error_pages import error_text
from app.admin.uploads.column_names import COLUMN_LABELS
from app.kernel.errors import Refusal, Unauthenticated
from app.tables.user_files.column_map import LEFT_OUT, ColumnMap, guess_column, heading_key
from app.tables.user_files.mapped_table import Heading, MappedTable
from app.tables.user_files.remembered_columns import find_columns, remember

#: Stands for the names in a sentence.
_SLOT = "\0"
#: Columns of a file, as ``Limits.columns`` of the layouts.
_MOST = 500


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A heading of the file, its first values, and the column that is chosen for it."""

    title: str
    samples: Sequence[str]
    column: str


@dataclass(frozen=True, slots=True)
class ColumnCard:
    """The headings of a file with the columns to choose from, as pairs of name and label; and what is wrong."""

    rows: Sequence[ColumnRow]
    options: Sequence[tuple[str, str]]
    error: str


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """The columns that a user chose for files of one kind, before and (``chosen``) in this request."""

    kind: str
    user_id: int
    columns: ColumnMap
    chosen: Mapping[str, str] = field(default_factory=dict)

    def card(self, table: MappedTable, required: Sequence[str]) -> ColumnCard:
        """What the page shows of the columns; a choice that fits is remembered."""
        if self.chosen and table.refusal is None:
            remember(self.user_id, self.kind, self.chosen)
        labels = COLUMN_LABELS[self.kind]
        known = {heading_key(str(label)): name for name, label in labels.items()}
        known |= {heading_key(name): name for name in labels}
        rows = [ColumnRow(each.title, each.samples, self._column(each, table, known)) for each in table.headings]
        options = [(name, str(label)) for name, label in labels.items()]
        return ColumnCard(rows, options, self._error(table, rows, required) if table.refusal else "")

    def _error(self, table: MappedTable, rows: Sequence[ColumnRow], required: Sequence[str]) -> str:
        """What is wrong with the headings: the columns as the page offers them decide."""
        labels, columns = COLUMN_LABELS[self.kind], [row.column for row in rows]
        names = {heading_key(name) for name in labels}
        keys = {row.title: heading_key(row.title) for row in rows}
        faults = (
            (gettext("Unknown headings: %(names)s.", names=_SLOT), [t for t, key in keys.items() if key not in names]),
            (gettext("Missing columns: %(names)s.", names=_SLOT), [labels[n] for n in required if n not in columns]),
            (gettext("Repeated columns: %(names)s.", names=_SLOT), [labels[n] for n in labels if columns.count(n) > 1]),
        )
        sentences = [text.replace(_SLOT, ", ".join(map(str, found))) for text, found in faults if found]
        return " ".join(sentences) or error_text(table.refusal or Refusal())

    def _column(self, heading: Heading, table: MappedTable, known: Mapping[str, str]) -> str:
        if table.refusal is None:
            return heading.column or LEFT_OUT
        chosen = self.columns.columns.get(heading_key(heading.title))
        return guess_column(heading.title, known) if chosen is None else chosen


def read_choice(kind: str) -> ColumnChoice:
    """The remembered columns of the signed-in user; those of the submitted form replace them."""
    user_id = authenticate().user_id
    if user_id is None:
        raise Unauthenticated
    remembered = find_columns(user_id, kind).columns
    chosen: dict[str, str] = {}
    if "use_columns" in request.form:
        titles, columns = request.form.getlist("heading")[:_MOST], request.form.getlist("column")[:_MOST]
        chosen = dict(zip(titles, columns, strict=False))
    own = {heading_key(title): column for title, column in chosen.items()}
    return ColumnChoice(kind, user_id, ColumnMap({**remembered, **own}), chosen)
