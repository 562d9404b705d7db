"""Invoices as rows of a table, one row for each item; imports and exports use the same headings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.kernel.errors import BadRequest
from app.kernel.messages import N_, Message, as_message
from app.kernel.text.csv_formulas import guard_formulas
from app.sales.imports.derived_columns import CUSTOMER, INVOICE, ITEM, Column
from app.tables.layout import Kind, Layout, Limits, Row

#: Headings of an item's fields that other tables of the import also have.
_ITEM_HEADINGS = {"name": "item_name", "remarks": "item_remarks"}
#: Heading -> part of the payload and column. A table has no heading for a JSON object (``metadata``).
PLACES: Mapping[str, tuple[str, Column]] = {
    **{column.key: ("invoice", column) for column in INVOICE if not column.is_json},
    **{f"customer_{column.key}": ("customer", column) for column in CUSTOMER},
    **{_ITEM_HEADINGS.get(column.key, column.key): ("item", column) for column in ITEM},
}
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
#: Rows of an invoice that a message names when they do not stand together.
_SHOWN_ROWS = 10
_HEADING_FAULTS = (
    (N_("Unknown column: %(names)s."), N_("Unknown columns: %(names)s.")),
    (N_("Repeated column: %(names)s."), N_("Repeated columns: %(names)s.")),
    (N_("Missing column: %(names)s."), N_("Missing columns: %(names)s.")),
)


def name_columns(_number: int, given: list[str]) -> list[str | None]:
    """The heading of each column of a file; None for a column that an import ignores.

    Raises:
        BadRequest: one is unknown, named twice or missing.
    """
    names = [name.strip() for name in given]
    unknown = [name for name in names if name and name not in PLACES and name not in EXPORT_ONLY]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    missing = [name for name in NEEDED if name not in names]
    for (one, several), found in zip(_HEADING_FAULTS, (unknown, twice, missing), strict=True):
        if found:
            raise BadRequest(Message(several if len(found) > 1 else one, names=", ".join(found)))
    return [name if name in PLACES else None for name in names]


def is_heading(given: list[str]) -> bool:
    """Whether a row of a file can be the headings."""
    return set(NEEDED) <= {name.strip() for name in given}


def is_known(given: str) -> bool:
    """Whether a cell is a heading."""
    return given.strip() in PLACES or given.strip() in EXPORT_ONLY


def _kind(column: Column) -> Kind:
    if column.is_number:
        return Kind.NUMBER
    if column.is_date:
        return Kind.DATE
    return Kind.CODE if column.is_identifier else Kind.TEXT


LAYOUT = Layout(
    name_columns,
    is_heading,
    is_known,
    kinds={heading: _kind(column) for heading, (_, column) in PLACES.items()},
    places={heading: column.places for heading, (_, column) in PLACES.items() if column.is_number},
    required=frozenset(NEEDED),
    summed=frozenset({"quantity"}),
    # The largest sheet of Excel with twenty filled columns.
    limits=Limits(unpacked_bytes=2 * 1024**3, elements=50_000_000, columns=500, blank_rows=1_048_576),
)


@dataclass(slots=True)
class Grouped:
    """An invoice from several rows: its payload, the rows, and their faults and contradictions."""

    payload: dict[str, Any]
    rows: list[Row]
    faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The rows of the file, for people."""
        return f"{'row' if len(self.rows) == 1 else 'rows'} {self.numbers}"

    @property
    def numbers(self) -> str:
        """The numbers of the rows of the file."""
        numbers = [row.number for row in self.rows]
        first, last = numbers[0], numbers[-1]
        if last - first == len(numbers) - 1:
            return f"{first}" if first == last else f"{first}-{last}"
        return f"{', '.join(map(str, numbers[:_SHOWN_ROWS]))}{', …' if len(numbers) > _SHOWN_ROWS else ''}"


def group(rows: Sequence[Row]) -> Grouped:
    """The invoice of these rows; blank invoice cells repeat the first row."""
    payload = _payload(rows[0].values)
    grouped = Grouped(payload, list(rows))
    first = _invoice_cells(rows[0].values)
    for row in rows:
        _add_faults(grouped.faults, row, is_alone=len(rows) == 1)
        if row is rows[0]:
            continue
        for heading, value in _invoice_cells(row.values).items():
            if first.get(heading) != value:
                text = N_("Row %(row)s says something else than row %(first)s.")
                grouped.faults.setdefault(heading, []).append(Message(text, row=row.number, first=rows[0].number))
        payload["items"] += _payload(row.values)["items"]
    return grouped


def runs(rows: Iterable[Row]) -> Iterator[tuple[str | None, list[Row]]]:
    """Rows of one invoice that stand together, and its number; a row with an item only belongs to the row above it."""
    number: str | None = None
    run: list[Row] = []
    for row in rows:
        found = row.values.get("invoice_no")
        if run and (found == number if found else _is_of_invoice_above(row)):
            run.append(row)
            continue
        if run:
            yield number, run
        number, run = found, [row]
    if run:
        yield number, run


def _is_of_invoice_above(row: Row) -> bool:
    """Whether a row without an invoice number has an item of the invoice above; a note outside the columns has not."""
    return not _invoice_cells(row.values) and not (row.note and not row.values and not row.faults)


def _add_faults(faults: dict[str, list[str]], row: Row, *, is_alone: bool) -> None:
    fault = row.fault
    if row.note:
        fault = Message(N_("Is “%(text)s” a note and no item? Then remove the row."), text=row.note)
    for heading, text in {"row": fault}.items() if fault else row.faults.items():
        named = Message(N_("Row %(row)s: %(fault)s"), row=row.number, fault=as_message(text))
        faults.setdefault(heading, []).append(text if is_alone else named)


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
    """The value; in a text each formula gets an apostrophe, so that no spreadsheet computes it."""
    return guard_formulas(value) if isinstance(value, str) else value


def csv_cell(cell: Any) -> Any:
    """A cell for a CSV file; an import of that file reads the same value."""
    return escape_formula(cell) if cell is not None and str(cell).strip() else None


def _payload(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row as an invoice with one item."""
    found: dict[str, dict[str, Any]] = {"invoice": {}, "customer": {}, "item": {}}
    for heading, value in values.items():
        part, column = PLACES[heading]
        found[part][column.key] = value
    return {**found["invoice"], "customer": found["customer"], "items": [found["item"]]}


def _invoice_cells(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row that belong to the invoice and the customer."""
    return {heading: value for heading, value in values.items() if PLACES[heading][0] != "item"}
