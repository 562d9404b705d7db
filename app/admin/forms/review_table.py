"""Table of an invoice's items on the review desk: its rows as stored or as typed, their payload and their errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from app.admin.forms.number_input import read_number, typed_number
from app.admin.i18n.translate import translate
from app.kernel.errors import BadRequest, Refusal
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.messages import N_
from app.sales.models.invoices import SalesInvoice, SalesItem

#: Fields that every row has, and those that only a new row has.
_FIELDS, _NEW_FIELDS = ("quantity", "mrp", "batch_no", "expiry_date"), ("name", "item_code", "barcode")
_NUMBERS = ("quantity", "mrp")
_LINE_DIGITS = 9


@dataclass(slots=True)
class TableRow:
    """A row: its line (None for a new one), the stored item, the values as typed, and errors by field."""

    line_no: int | None = None
    item: SalesItem | None = None
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return self.line_no is None

    def payload(self) -> dict[str, Any]:
        """The row as the item of a correction."""
        typed = {name: read_number(text) if name in _NUMBERS else text.strip() for name, text in self.values.items()}
        typed["expiry_date"] = typed["expiry_date"] or None
        return typed | ({"item_code": self.item.item_code} if self.item else {})


class WrongTable(BadRequest):
    """The fields of the table do not fit together; no browser sends this."""

    message = N_("The table of items is incomplete. Load the page again.")


def stored_rows(invoice: SalesInvoice) -> list[TableRow]:
    """The rows of an invoice as it is stored."""
    return [TableRow(item.line_no, item, _stored_values(item)) for item in invoice.items]


def submitted_rows(invoice: SalesInvoice, form: MultiDict[str, str]) -> list[TableRow]:
    """The rows as they were typed.

    Raises:
        WrongTable: a field is missing in a row.
    """
    items = {item.line_no: item for item in invoice.items}
    rows = []
    new = _records(form, _NEW_FIELDS)
    for record in _records(form, ("line_no", *_FIELDS)):
        line_no = _line_number(record.pop("line_no"))
        added = next(new, None) if line_no is None else {}
        if added is None:
            raise WrongTable
        rows.append(TableRow(line_no, items.get(line_no or 0), {**added, **record}))
    return rows


def add_errors(rows: list[TableRow], refusal: Refusal) -> list[str]:
    """Put the errors of a refusal beside their fields; return those that belong to no field."""
    general = []
    for path, texts in flatten_errors(refusal.errors or {"": [refusal.message]}):
        messages = [translate(text) for text in texts]
        match path:
            case ("items", number, *rest):
                row = rows[int(number)]
                name = next((str(step) for step in rest if step in row.values), _FIELDS[0])
                row.errors.setdefault(name, []).extend(messages)
            case _:
                general += messages
    return general


def _records(form: MultiDict[str, str], names: tuple[str, ...]) -> Iterator[dict[str, str]]:
    columns = [form.getlist(name) for name in names]
    if len({len(column) for column in columns}) > 1:
        raise WrongTable
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def _line_number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > _LINE_DIGITS:
        raise WrongTable
    return int(text)


def _stored_values(item: SalesItem) -> dict[str, str]:
    return {
        "quantity": typed_number(item.quantity),
        "mrp": typed_number(item.mrp, 2),
        "batch_no": item.batch_no,
        "expiry_date": item.expiry_date.isoformat() if item.expiry_date else "",
    }
