"""Export of filtered lists as CSV and XLSX, read in chunks; no database connection is held between two chunks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import literal

from app.extensions import db
from app.kernel import clock
from app.kernel.pagination.byte_limit import fitting_rows
from app.sales.errors import SheetFull
from app.sales.files.spreadsheet import columns, escape_formula, row_of
from app.sales.models.invoices import SalesInvoice, SalesItem
from app.sales.queries.lists import NEWEST_FIRST, filtered
from app.sales.queries.lookup import FULL, PARTS

CHUNK = 500
#: The rows that an Excel sheet can have below its heading.
SHEET_ROWS = 1_048_575


def as_csv(app: Flask, filters: Mapping[str, Any], *, items: bool) -> Iterator[bytes]:
    """The list as CSV (RFC 4180, UTF-8 with a byte order mark, by which Excel recognises it)."""
    names = columns(items=items)
    yield b"\xef\xbb\xbf" + _csv([names])
    for rows in _chunks(app, filters, items=items):
        yield _csv([[_plain(row.get(name)) for name in names] for row in rows])


def as_xlsx(app: Flask, filters: Mapping[str, Any], *, items: bool) -> Iterator[bytes]:
    """The list as an Excel sheet.

    Raises:
        SheetFull: there are more rows than a sheet holds; CSV has no limit.
    """
    if _exceeds_sheet(filters, items=items):
        raise SheetFull
    from app.sales.files.xlsx_stream import stream_sheet  # noqa: PLC0415 - openpyxl: most processes write no workbook

    return stream_sheet("Invoices", _sheet_rows(app, filters, items=items))


def _exceeds_sheet(filters: Mapping[str, Any], *, items: bool) -> bool:
    query = filtered(filters).with_only_columns(literal(1), maintain_column_froms=True)
    if items:
        query = query.join(SalesItem, SalesItem.invoice_id == SalesInvoice.id)
    return db.session.scalar(query.offset(SHEET_ROWS).limit(1)) is not None


def _sheet_rows(app: Flask, filters: Mapping[str, Any], *, items: bool) -> Iterator[list[Any]]:
    names = columns(items=items)
    yield names
    for rows in _chunks(app, filters, items=items):
        for row in rows:
            yield [_without_zone(row.get(name)) for name in names]


def _chunks(app: Flask, filters: Mapping[str, Any], *, items: bool) -> Iterator[list[dict[str, Any]]]:
    """Newest first; each chunk is a short transaction and begins after the last row of the previous one.

    A chunk has fewer invoices where these are long: 500 of 2,000 items would fill gigabytes.
    """
    last: int | None = None
    while True:
        with app.app_context():
            query = filtered(filters)
            if last is not None:
                query = query.where(NEWEST_FIRST.after([last]))
            page = NEWEST_FIRST.apply(query).limit(CHUNK)
            invoices, is_cut = fitting_rows(page, NEWEST_FIRST.keys(), options=FULL, parts=PARTS)
            rows = [row_of(invoice, item) for invoice in invoices for item in (invoice.items if items else (None,))]
        if rows:
            yield rows
        if not is_cut and len(invoices) < CHUNK:
            return
        last = invoices[-1].id


def _csv(rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _plain(value: Any) -> Any:
    return clock.iso(value) if isinstance(value, datetime) else escape_formula(value)


def _without_zone(value: Any) -> Any:
    """Excel has no time zones; all times of the hub are UTC."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
