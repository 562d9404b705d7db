"""Files of invoices for the command line: JSON, NDJSON, CSV and XLSX, read one invoice at a time."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from app.kernel import json
from app.kernel.errors import BadRequest, Invalid, MalformedJson, Refusal
from app.kernel.messages import N_, Message
from app.sales.files import json_stream, spreadsheet
from app.tables.layout import Choices, Row
from app.tables.number_text import NumberStyle
from app.tables.reader import open_table, refuse_ambiguous

#: Rows in memory of invoices whose other rows stand further below.
MAX_HELD_ROWS = 200_000
BLOCK = 64 * 1024
#: Rows between two steps of the progress bar.
_SHOWN_ROWS = 1000

#: Given a size in bytes, a context with a function that shows how many of them are done.
Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]


@contextmanager
def _no_progress(_size: int) -> Iterator[Callable[[int], None]]:
    yield lambda _done: None


@dataclass(frozen=True, slots=True)
class Entry:
    """An invoice of a file: its place, its payload or the refusal, and the original text or rows."""

    place: str
    payload: Any
    refusal: Refusal | None
    original: Any


@dataclass(slots=True)
class Source:
    """The invoices of a file; ``done`` of ``size`` for a progress bar; ``heads`` are the headings of a table."""

    entries: Iterator[Entry]
    size: int
    done: Callable[[], int]
    heads: list[str] | None = None


@contextmanager
def open_source(
    path: Path, stream: IO[bytes], choices: Choices, show_reading: Progress = _no_progress
) -> Iterator[Source]:
    """The invoices of a file; the end of its name gives the kind. ``show_reading`` is used while a table is read.

    Raises:
        BadRequest: another kind of file, or a table that cannot be read or has other headings.
    """
    kinds = {".json": _json, ".ndjson": _ndjson, ".jsonl": _ndjson, ".csv": _table, ".xlsx": _table}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise BadRequest(Message(N_("Expected a file that ends with %(kinds)s."), kinds=", ".join(kinds)))
    with kind(path, stream, choices, show_reading) as source:
        yield source


@contextmanager
def _json(path: Path, stream: IO[bytes], _choices: Choices, _progress: Progress) -> Iterator[Source]:
    texts = json_stream.elements(iter(lambda: stream.read(BLOCK), b""))
    yield Source(_parsed("invoice", texts), path.stat().st_size, stream.tell)


@contextmanager
def _ndjson(path: Path, stream: IO[bytes], _choices: Choices, _progress: Progress) -> Iterator[Source]:
    texts = json_stream.lines(iter(lambda: stream.read(BLOCK), b""))
    yield Source(_parsed("line", texts), path.stat().st_size, stream.tell)


def _parsed(word: str, texts: Iterator[bytes]) -> Iterator[Entry]:
    for number, raw in enumerate(texts, 1):
        place = f"{word} {number}"
        try:
            payload = json.parse_strict(raw)
        except MalformedJson as refusal:
            yield Entry(place, None, refusal, raw.decode(errors="replace"))
        else:
            yield Entry(place, payload, None, payload)


@contextmanager
def _table(path: Path, stream: IO[bytes], choices: Choices, progress: Progress) -> Iterator[Source]:
    """Invoices of a table. The whole file is read before the first invoice is stored: the rows of an invoice may stand
    anywhere, and a fault in its last row refuses all of it.
    """
    with open_table(stream, spreadsheet.LAYOUT, choices) as table, tempfile.TemporaryFile() as spool:
        with progress(path.stat().st_size) as show:
            rows = _watched(table.rows, lambda: show(stream.tell()))
            parts = Counter(number for number, _ in spreadsheet.runs(_spooled(rows, spool)))
        total = spool.tell()
        yield Source(_invoices(spool, parts, table.style), total, spool.tell, table.headings)


def _watched(rows: Iterable[Row], show: Callable[[], None]) -> Iterator[Row]:
    """The rows; the progress is shown after each thousand of them."""
    for count, row in enumerate(rows):
        if count % _SHOWN_ROWS == 0:
            show()
        yield row


def _spooled(rows: Iterable[Row], spool: IO[bytes]) -> Iterator[Row]:
    """The rows, which are also written to ``spool``."""
    for row in rows:
        facts = [row.number, row.values, row.faults, row.fault, row.cells, {}, row.pointed, row.note]
        spool.write(json.encode(facts) + b"\n")
        yield row


def _invoices(spool: IO[bytes], parts: Counter[str | None], style: NumberStyle) -> Iterator[Entry]:
    """The invoices in the order of their last rows; ``parts`` are the places at which rows of each one stand."""
    spool.seek(0)
    held: dict[str | None, list[Row]] = {}
    size = 0
    rows = (refuse_ambiguous(Row(*json.decode(line)), style) for line in iter(spool.readline, b""))
    for number, run in spreadsheet.runs(rows):
        if number is None or parts[number] == 1:
            yield _entry([*held.pop(number, []), *run] if number is not None else run)
            continue
        held.setdefault(number, []).extend(run)
        parts[number] -= 1
        size += len(run)
        if size > MAX_HELD_ROWS:
            raise BadRequest(N_("Rows of too many invoices do not stand together; sort the file by invoice_no."))


def _entry(rows: list[Row]) -> Entry:
    grouped = spreadsheet.group(rows)
    # Rows with faults refuse the whole invoice: a partly stored one would block the corrected import.
    refusal = Invalid(grouped.faults) if grouped.faults else None
    return Entry(grouped.place, grouped.payload, refusal, [row.cells for row in rows])
