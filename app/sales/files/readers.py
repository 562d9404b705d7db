"""Files of invoices for the command line: JSON, NDJSON, CSV and XLSX, read one invoice at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

from openpyxl import load_workbook

from app.kernel import json
from app.kernel.csv_dialect import detect_delimiter, parse_cell
from app.kernel.errors import BadRequest, Invalid, MalformedJson, Refusal
from app.kernel.messages import N_, Message
from app.sales.files import json_stream, spreadsheet

BLOCK = 64 * 1024


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


def open_source(path: Path, stream: IO[bytes]) -> Source:
    """The invoices of a file; the end of its name gives the kind.

    Raises:
        BadRequest: another kind of file, or a table with other headings.
    """
    kinds = {".json": _json, ".ndjson": _ndjson, ".jsonl": _ndjson, ".csv": _csv, ".xlsx": _xlsx}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise BadRequest(
            Message(N_("%(name)s: expected a file that ends with %(kinds)s."), name=path.name, kinds=", ".join(kinds))
        )
    return kind(path, stream)


def _json(path: Path, stream: IO[bytes]) -> Source:
    texts = json_stream.elements(iter(lambda: stream.read(BLOCK), b""))
    return Source(_parsed("invoice", texts), path.stat().st_size, stream.tell)


def _ndjson(path: Path, stream: IO[bytes]) -> Source:
    texts = json_stream.lines(iter(lambda: stream.read(BLOCK), b""))
    return Source(_parsed("line", texts), path.stat().st_size, stream.tell)


def _parsed(word: str, texts: Iterator[bytes]) -> Iterator[Entry]:
    for number, raw in enumerate(texts, 1):
        place = f"{word} {number}"
        try:
            payload = json.parse_strict(raw)
        except MalformedJson as refusal:
            yield Entry(place, None, refusal, raw.decode(errors="replace"))
        else:
            yield Entry(place, payload, None, payload)


def _csv(path: Path, stream: IO[bytes]) -> Source:
    lines = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    try:
        first = lines.readline()
        separator = detect_delimiter(first)
        rows = csv.reader(chain([first], lines), delimiter=separator)
        heads = spreadsheet.headings(next(rows, []))
    except UnicodeDecodeError as error:
        raise BadRequest(Message(N_("%(name)s is not UTF-8: save it as CSV UTF-8."), name=path.name)) from error
    except csv.Error as error:
        raise BadRequest(Message(N_("%(name)s is not CSV: %(error)s."), name=path.name, error=error)) from error
    numbered = ((rows.line_num, _cells(heads, row, separator)) for row in rows)

    def done() -> int:
        # The reference keeps ``lines`` alive: when it is collected, it closes the file of the caller.
        return lines.buffer.tell()

    return Source(_grouped(heads, numbered), path.stat().st_size, done, heads)


def _cells(heads: list[str], row: list[str], separator: str) -> list[Any]:
    pairs = zip(heads, row, strict=False)
    return [parse_cell(cell, separator) if head in spreadsheet.NUMBERS else cell for head, cell in pairs]


def _xlsx(path: Path, stream: IO[bytes]) -> Source:
    try:
        sheet = load_workbook(stream, read_only=True, data_only=True).worksheets[0]
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        raise BadRequest(Message(N_("%(name)s is no workbook of Excel."), name=path.name)) from error
    rows = sheet.iter_rows(values_only=True)
    heads = spreadsheet.headings(next(rows, ()))
    seen = 1

    def numbered() -> Iterator[tuple[int, list[Any]]]:
        nonlocal seen
        for row in rows:
            seen += 1
            yield seen, list(row)

    return Source(_grouped(heads, numbered()), sheet.max_row or 1, lambda: seen, heads)


def _grouped(heads: list[str], rows: Iterator[tuple[int, list[Any]]]) -> Iterator[Entry]:
    kept: dict[int, list[Any]] = {}

    def keeping() -> Iterator[tuple[int, list[Any]]]:
        for number, row in rows:
            kept[number] = row
            yield number, row

    for grouped in spreadsheet.payloads(heads, keeping()):
        first, last = grouped.rows[0], grouped.rows[-1]
        place = f"row {first}" if first == last else f"rows {first}-{last}"
        original = [kept[number] for number in grouped.rows]
        for number in [number for number in kept if number <= last]:
            del kept[number]
        # Contradicting rows refuse the whole invoice: a partly stored one would block the corrected import.
        yield Entry(place, grouped.payload, Invalid(grouped.faults) if grouped.faults else None, original)
