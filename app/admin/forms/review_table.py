"""Table of an invoice's items on the review desk: its rows as stored or as typed, their payload and their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from app.admin.forms.line_table import TableLine, WrongTable, add_line_errors, records
from app.admin.forms.number_input import read_number, typed_number
from app.kernel.errors import Refusal
from app.sales.models.invoices import SalesInvoice, SalesItem

#: Fields that every row has, and those that only a new row has.
_FIELDS, _NEW_FIELDS = ("quantity", "mrp", "batch_no", "expiry_date"), ("name", "item_code", "barcode")
_NUMBERS = ("quantity", "mrp")
_LINE_DIGITS = 9


@dataclass(slots=True)
class TableRow(TableLine):
    """A row: its line (None for a new one) and the stored item."""

    line_no: int | None = None
    item: SalesItem | None = None

    @property
    def is_new(self) -> bool:
        return self.line_no is None

    def payload(self) -> dict[str, Any]:
        """The row as the item of a correction."""
        typed = {name: read_number(text) if name in _NUMBERS else text.strip() for name, text in self.values.items()}
        typed["expiry_date"] = typed["expiry_date"] or None
        return typed | ({"item_code": self.item.item_code} if self.item else {})


def stored_rows(invoice: SalesInvoice) -> list[TableRow]:
    """The rows of an invoice as it is stored."""
    return [TableRow(_stored_values(item), line_no=item.line_no, item=item) for item in invoice.items]


def submitted_rows(invoice: SalesInvoice, form: MultiDict[str, str]) -> list[TableRow]:
    """The rows as they were typed.

    Raises:
        WrongTable: a field is missing in a row.
    """
    items = {item.line_no: item for item in invoice.items}
    rows = []
    new = records(form, _NEW_FIELDS)
    for record in records(form, ("line_no", *_FIELDS)):
        line_no = _line_number(record.pop("line_no"))
        added = next(new, None) if line_no is None else {}
        if added is None:
            raise WrongTable
        rows.append(TableRow({**added, **record}, line_no=line_no, item=items.get(line_no or 0)))
    return rows


def add_errors(rows: list[TableRow], refusal: Refusal) -> list[str]:
    """Put the errors of a refusal beside their fields; return those that belong to no field."""
    return [text for _path, texts in add_line_errors(rows, refusal, _FIELDS[0]) for text in texts]


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
