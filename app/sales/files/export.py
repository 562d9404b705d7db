"""Export of filtered lists as CSV and XLSX, read in chunks; no database connection is held between two chunks."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import IO, Any

from flask import Flask
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from sqlalchemy import literal

from app.extensions import db
from app.kernel import clock
from app.sales.errors import SheetFull
from app.sales.files.spreadsheet import columns, escape_formula, row_of
from app.sales.models.invoices import SalesInvoice, SalesItem
from app.sales.queries.lists import NEWEST_FIRST, filtered
from app.sales.queries.lookup import FULL

CHUNK = 500
BLOCK = 64 * 1024
#: The rows that an Excel sheet can have below its heading.
SHEET_ROWS = 1_048_575


def as_csv(app: Flask, filters: Mapping[str, Any], *, items: bool) -> Iterator[bytes]:
    """The list as CSV (RFC 4180, UTF-8 with a byte order mark, by which Excel recognises it)."""
    names = columns(items=items)
    yield b"\xef\xbb\xbf" + _csv([names])
    for rows in _chunks(app, filters, items=items):
        yield _csv([[_plain(row.get(name)) for name in names] for row in rows])


def as_xlsx(app: Flask, filters: Mapping[str, Any], *, items: bool) -> Iterator[bytes]:
    """The list as an Excel sheet, written to disk first because the index of the format is at its end.

    Raises:
        SheetFull: there are more rows than a sheet holds; CSV has no limit.
    """
    if _exceeds_sheet(filters, items=items):
        raise SheetFull
    with ExitStack() as stack:
        spool = stack.enter_context(tempfile.TemporaryFile())
        _write_sheet(spool, app, filters, items=items)
        stack.pop_all()  # the generator of blocks closes the file
    return _blocks(spool)


def _exceeds_sheet(filters: Mapping[str, Any], *, items: bool) -> bool:
    query = filtered(filters).with_only_columns(literal(1), maintain_column_froms=True)
    if items:
        query = query.join(SalesItem, SalesItem.invoice_id == SalesInvoice.id)
    return db.session.scalar(query.offset(SHEET_ROWS).limit(1)) is not None


def _write_sheet(spool: IO[bytes], app: Flask, filters: Mapping[str, Any], *, items: bool) -> None:
    names = columns(items=items)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Invoices")
    sheet.append(names)
    for rows in _chunks(app, filters, items=items):
        for row in rows:
            sheet.append([_cell(sheet, row.get(name)) for name in names])
    book.save(spool)
    spool.seek(0)


def _blocks(spool: IO[bytes]) -> Iterator[bytes]:
    with spool:
        while block := spool.read(BLOCK):
            yield block


def _chunks(app: Flask, filters: Mapping[str, Any], *, items: bool) -> Iterator[list[dict[str, Any]]]:
    """Newest first; each chunk is a short transaction and begins after the last row of the previous one."""
    last: int | None = None
    while True:
        with app.app_context():
            query = filtered(filters).options(*FULL)
            if last is not None:
                query = query.where(NEWEST_FIRST.after([last]))
            invoices = db.session.scalars(NEWEST_FIRST.apply(query).limit(CHUNK)).unique().all()
            rows = [row_of(invoice, item) for invoice in invoices for item in (invoice.items if items else (None,))]
        if rows:
            yield rows
        if len(invoices) < CHUNK:
            return
        last = invoices[-1].id


def _csv(rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _plain(value: Any) -> Any:
    return clock.iso(value) if isinstance(value, datetime) else escape_formula(value)


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)  # Excel has no time zones; all times of the hub are UTC
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value=_without_control_characters(value))
    cell.data_type = "s"  # text, even if it looks like a formula
    return cell


def _without_control_characters(text: str) -> str:
    """The text without control characters that XML does not allow."""
    return "".join(character for character in text if character >= " " or character in "\t\n\r")
