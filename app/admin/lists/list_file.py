"""The filtered list as a CSV file, read in chunks; no database connection is held between two chunks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from flask import Flask, current_app
from werkzeug.wrappers import Response

from app.admin.lists.columns import Column, Details, ListTable
from app.kernel import clock
from app.kernel.pagination.walk import Place, Source
from app.kernel.text.csv_formulas import guard_formulas

CHUNK = 500
#: Excel recognises UTF-8 by it.
_BOM = b"\xef\xbb\xbf"


def answer(table: ListTable, source: Source, sort: str, details: Callable[[Sequence[Any]], Details]) -> Response:
    """An answer with all rows of ``source`` and all columns of ``table``, in the order ``sort``."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    headings = [str(column.label) for column in table.columns]
    name = f'attachment; filename="{table.name}-{clock.now():%Y%m%d-%H%M%S}.csv"'
    headers = {"Content-Disposition": name, "X-Accel-Buffering": "no", "Cache-Control": "no-store"}

    def lines() -> Iterator[bytes]:
        yield _BOM + _csv([headings])
        after: str | None = ""
        while after is not None:
            with app.app_context():
                walked = source.page(sort, Place(CHUNK, after))
                content = _csv(_cells(table.columns, walked.rows, details(walked.rows)))
            yield content
            after = walked.next

    return Response(lines(), mimetype="text/csv", headers=headers)


def _cells(columns: Sequence[Column], rows: Sequence[Any], details: Details) -> list[list[Any]]:
    return [[_cell(column.text(row, details)) for column in columns] for row in rows]


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, str):
        return guard_formulas(value)
    if isinstance(value, list | tuple):
        return guard_formulas(", ".join(map(str, value)))
    return value.isoformat() if isinstance(value, date) else value


def _csv(rows: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
