"""Import of a table that somebody uploaded on a page: its preview, which stores nothing, and the import itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from app.config import MIB
from app.extensions import db
from app.kernel.errors import BadRequest, Invalid, Refusal
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.messages import N_, Message
from app.sales.errors import DuplicateInvoice
from app.sales.files.spreadsheet import LAYOUT, NEEDED, PLACES, Grouped, group, runs
from app.sales.imports.stream import BATCH, Checked, check, store
from app.tables.layout import Choices, Limits, Row
from app.tables.user_files import progress
from app.tables.user_files.column_map import ColumnMap
from app.tables.user_files.mapped_table import MappedTable, read_mapped
from app.tables.user_files.progress import Report
from app.tables.user_files.refused_rows import RowError

#: The columns that a person has to choose.
REQUIRED = NEEDED
#: Rows of a file; the command ``flask sales import`` takes more.
MAX_ROWS = 20_000
_LIMITS = Limits(unpacked_bytes=64 * MIB, elements=4_000_000, columns=200, blank_rows=20_000)
_LAYOUT = replace(LAYOUT, limits=_LIMITS)
#: Key of a fault of a whole row, see ``spreadsheet.group``.
_WHOLE_ROW = "row"
_HEADINGS = {(part, column.key): heading for heading, (part, column) in PLACES.items()}


@dataclass(slots=True)
class TableInvoice:
    """An invoice of the table: what it says, and what became or would become of it."""

    rows: str
    invoice_no: str | None
    customer: str = ""
    items: int = 0
    total: Decimal | None = None
    invoice_id: int | None = None
    #: ``new``, ``present`` (stored before, with the same content) or ``refused``.
    state: str = "refused"
    errors: list[RowError] = field(default_factory=list)


class TooManyRows(BadRequest):
    def __init__(self, most: int = MAX_ROWS) -> None:
        super().__init__(Message(N_("The file has more than %(n)s rows; split it."), n=most))


@dataclass(slots=True)
class SalesTable:
    """A file whose columns a person chose: its headings, and its invoices if the headings are right."""

    table: MappedTable
    invoices: list[Grouped] = field(default_factory=list)


def read_table(
    content: bytes, choices: Choices, user_id: int | None, columns: ColumnMap | None = None, *, keep_cells: bool = False
) -> SalesTable:
    """The invoices of a CSV or XLSX file, each with its rows, in the order of their first rows.

    Headings that do not fit are the refusal of ``table``.

    Raises:
        BadRequest: the file is no table, has no invoices or too many rows.
        Refusal: it takes too long to read, or other files are being read.
    """
    columns = columns or ColumnMap()
    table = read_mapped(content, _LAYOUT, choices, MAX_ROWS + 1, columns, owner=user_id, keep_cells=keep_cells)
    if table.refusal is not None:
        return SalesTable(table)
    if len(table.rows) > MAX_ROWS:
        raise TooManyRows
    if not table.rows:
        raise BadRequest(N_("The file names columns but no invoices."))
    # The rows of an invoice may stand anywhere in the file.
    together: dict[Any, list[Row]] = {}
    for place, (number, run) in enumerate(runs(table.rows)):
        together.setdefault(place if number is None else number, []).extend(run)
    return SalesTable(table, [group(found) for found in together.values()])


def preview_table(
    invoices: Sequence[Grouped], user_id: int | None, report: Report = progress.ignore
) -> list[TableInvoice]:
    """What an import would do: everything is done as in the import and then rolled back."""
    with db.session.begin_nested() as savepoint:
        outcomes = list(_outcomes(invoices, user_id, report, atomic=True))
        savepoint.rollback()
    # The ids of new invoices were rolled back, and so was an invoice that another row of the file repeats.
    stored = {outcome.invoice_id for outcome in outcomes if outcome.state == "new"}
    for outcome in outcomes:
        if outcome.invoice_id in stored:
            outcome.invoice_id = None
    return outcomes


def import_table(
    invoices: Sequence[Grouped], user_id: int | None, report: Report = progress.ignore
) -> list[TableInvoice]:
    """Import the invoices that are right, batch by batch, each batch committed; the others are refused one by one."""
    return list(_outcomes(invoices, user_id, report, atomic=False))


def refused_rows(invoices: Sequence[Grouped], found: Sequence[TableInvoice]) -> Iterator[tuple[Row, list[RowError]]]:
    """The rows of refused invoices, each with the errors that are about it or about its invoice."""
    for grouped, outcome in zip(invoices, found, strict=True):
        for row in grouped.rows if outcome.errors else ():
            own = [error for error in outcome.errors if error.rows in {str(row.number), grouped.numbers}]
            yield row, own or outcome.errors


def _outcomes(
    invoices: Sequence[Grouped], user_id: int | None, report: Report, *, atomic: bool
) -> Iterator[TableInvoice]:
    for start in range(0, len(invoices), BATCH):
        report(start, len(invoices))
        part = invoices[start : start + BATCH]
        checked = [check(place, _payload(each), user_id) for place, each in enumerate(part)]
        for each, ready, verdict in zip(part, checked, store(checked, atomic=atomic), strict=True):
            yield _outcome(each, ready, verdict.refusal, verdict.invoice)
    report(len(invoices), len(invoices))


def _payload(grouped: Grouped) -> Any:
    return Invalid(grouped.faults) if grouped.faults else grouped.payload


def _outcome(
    grouped: Grouped, checked: Checked, refusal: Refusal | None, stored: Mapping[str, Any] | None
) -> TableInvoice:
    number = grouped.payload.get("invoice_no")
    outcome = TableInvoice(grouped.numbers, str(number) if number else None, items=len(grouped.rows))
    outcome.customer = str(grouped.payload["customer"].get("name") or "")
    if checked.drafted:
        outcome.total = checked.drafted[1]["total_amount"]
    if refusal is None:
        outcome.state, outcome.invoice_id = "new", (stored or {}).get("id")
    elif isinstance(refusal, DuplicateInvoice):
        outcome.invoice_id = (refusal.data or {}).get("id")
        if refusal.is_identical:
            outcome.state = "present"
        else:
            outcome.errors = [_difference(grouped, refusal)]
    else:
        outcome.errors = list(_row_errors(grouped, refusal))
    return outcome


def _difference(grouped: Grouped, refusal: DuplicateInvoice) -> RowError:
    fields = ", ".join((refusal.data or {}).get("differences", ()))
    message = Message(N_("The invoice is stored already with other values: %(fields)s."), fields=fields)
    return RowError(grouped.numbers, "", message)


def _row_errors(grouped: Grouped, refusal: Refusal) -> Iterator[RowError]:
    """The errors of a refusal: those of the table stand at their headings, those of the schema at their paths."""
    for path, messages in flatten_errors(refusal.errors or {"": [refusal.message]}):
        rows, heading = (grouped.numbers, str(path[0])) if grouped.faults else _position(grouped, path)
        for message in messages:
            yield RowError(rows, "" if heading == _WHOLE_ROW else heading, message)


def _position(grouped: Grouped, path: Sequence[Any]) -> tuple[str, str]:
    match path:
        case ("items", int(place), name, *_):
            return str(grouped.rows[place].number), _HEADINGS.get(("item", name), str(name))
        case ("customer", name, *_):
            return grouped.numbers, _HEADINGS.get(("customer", name), str(name))
        case (name, *_):
            return grouped.numbers, _HEADINGS.get(("invoice", name), str(name))
        case _:
            return grouped.numbers, ""
