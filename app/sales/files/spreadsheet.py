"""Invoices as rows of a table, one row for each item; imports and exports use the same headings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.kernel.errors import BadRequest
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_, Message
from app.sales.imports.derived_columns import CUSTOMER, INVOICE, ITEM, Column

#: Headings of an item's fields that other tables of the import also have.
_ITEM_HEADINGS = {"name": "item_name", "remarks": "item_remarks"}
#: Heading -> part of the payload and column. A table has no heading for a JSON object (``metadata``).
PLACES: Mapping[str, tuple[str, Column]] = {
    **{column.key: ("invoice", column) for column in INVOICE if not column.is_json},
    **{f"customer_{column.key}": ("customer", column) for column in CUSTOMER},
    **{_ITEM_HEADINGS.get(column.key, column.key): ("item", column) for column in ITEM},
}
#: Numbers in a payload; a sheet stores phones, pin codes and barcodes as numbers too, which are texts.
NUMBERS = frozenset(heading for heading, (_, column) in PLACES.items() if column.is_number)
NEEDED = tuple(heading for heading, (_, column) in PLACES.items() if column.is_required)
#: Further headings of an export; an import ignores them.
EXPORT_ONLY = (
    "id",
    "status",
    "billing_status",
    "total_amount",
    "line_no",
    "line_total",
    "created_at",
    "delivered_at",
    "reason",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
#: An apostrophe before such a text prevents that a spreadsheet computes it.
GUARD = "'"


_HEADING_FAULTS = (
    (N_("Unknown column: %(names)s."), N_("Unknown columns: %(names)s.")),
    (N_("Repeated column: %(names)s."), N_("Repeated columns: %(names)s.")),
    (N_("Missing column: %(names)s."), N_("Missing columns: %(names)s.")),
)


def headings(names: Iterable[Any]) -> list[str]:
    """The headings of a file.

    Raises:
        BadRequest: one is unknown, named twice or missing.
    """
    given = ["" if name is None else str(name).strip() for name in names]
    unknown = [name for name in given if name and name not in PLACES and name not in EXPORT_ONLY]
    twice = sorted({name for name in given if name and given.count(name) > 1})
    missing = [name for name in NEEDED if name not in given]
    for (one, several), found in zip(_HEADING_FAULTS, (unknown, twice, missing), strict=True):
        if found:
            raise BadRequest(Message(several if len(found) > 1 else one, names=", ".join(found)))
    return given


@dataclass(slots=True)
class Grouped:
    """An invoice from several rows: payload, row numbers, and contradictions between rows."""

    payload: dict[str, Any]
    rows: list[int]
    faults: dict[str, list[str]] = field(default_factory=dict)

    def belongs(self, payload: Mapping[str, Any]) -> bool:
        """Whether a row belongs to this invoice: it has its number, or only an item."""
        number = payload.get("invoice_no")
        return number == self.payload.get("invoice_no") if number else not _invoice_cells(payload)

    def add(self, row: int, payload: Mapping[str, Any]) -> None:
        """Add the item of another row; blank invoice cells repeat the first row."""
        first = _invoice_cells(self.payload)
        for heading, value in _invoice_cells(payload).items():
            if first.get(heading) != value:
                text = N_("Row %(row)s says something else than row %(first)s.")
                self.faults.setdefault(heading, []).append(Message(text, row=row, first=self.rows[0]))
        self.payload["items"] += payload["items"]
        self.rows.append(row)


def payloads(heads: list[str], rows: Iterable[tuple[int, list[Any]]]) -> Iterator[Grouped]:
    """Invoices from rows; the rows of one invoice are consecutive."""
    current: Grouped | None = None
    for number, row in rows:
        cells = dict(zip(heads, row, strict=False))
        if not any(_is_filled(cell) for cell in cells.values()):
            continue
        payload = _payload(cells)
        if current is not None and current.belongs(payload):
            current.add(number, payload)
            continue
        if current is not None:
            yield current
        current = Grouped(payload, [number])
    if current is not None:
        yield current


def row_of(invoice: Any, item: Any | None) -> dict[str, Any]:
    """The row of a stored invoice and one of its items, by heading."""
    row: dict[str, Any] = {name: getattr(invoice, name) for name in EXPORT_ONLY[:4]}
    row |= {"created_at": invoice.created_at, "delivered_at": invoice.delivered_at}
    sources = {"invoice": invoice, "customer": invoice.customer, "item": item}
    for heading, (part, column) in PLACES.items():
        source = sources[part]
        if source is not None:
            row[heading] = getattr(source, column.attribute)
    return row if item is None else {**row, "line_no": item.line_no, "line_total": item.line_total}


def columns(*, items: bool) -> list[str]:
    """The headings of an export: a row for each invoice, or for each item."""
    inside = [heading for heading, (part, _) in PLACES.items() if items or part != "item"]
    lines = ["line_no", "line_total"] if items else []
    return ["id", "status", "billing_status", *inside, *lines, "total_amount", "created_at", "delivered_at"]


def escape_formula(value: Any) -> Any:
    """The value; a text that looks like a formula gets an apostrophe."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return GUARD + value
    return value


def csv_cell(cell: Any) -> Any:
    """A cell for a CSV file; an import of that file reads the same value."""
    return escape_formula(_value(cell)) if _is_filled(cell) else None


def _payload(cells: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {"invoice": {}, "customer": {}, "item": {}}
    for heading, cell in cells.items():
        if heading in PLACES and _is_filled(cell):
            part, column = PLACES[heading]
            value = _value(cell) if column.is_number else str(_value(cell))
            # Rows belong together by their identifiers, so these are cleaned here already.
            found[part][column.key] = clean_identifier(value) if column.is_identifier else value
    return {**found["invoice"], "customer": found["customer"], "items": [found["item"]]}


def _invoice_cells(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of a row that belong to the invoice and the customer, by heading."""
    about = {name: value for name, value in payload.items() if name not in {"customer", "items"}}
    return {**about, **{f"customer_{name}": value for name, value in payload["customer"].items()}}


def _is_filled(cell: Any) -> bool:
    return cell is not None and str(cell).strip() != ""


def _value(cell: Any) -> Any:
    """A cell as the value that JSON would have."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else Decimal(repr(cell))
    text = str(cell).strip() if not isinstance(cell, int | Decimal) else cell
    if isinstance(text, str) and text.startswith(GUARD) and text[1:].startswith(_FORMULA_STARTS):
        return text[1:]
    return text
