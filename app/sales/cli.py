"""The command ``flask sales import FILE``."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from app.kernel import json
from app.kernel.errors import Refusal
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.text.csv_formulas import guard_formulas
from app.kernel.unit_of_work import unit_of_work
from app.sales.errors import DuplicateInvoice
from app.sales.files.readers import Entry, Source, open_source
from app.sales.files.spreadsheet import csv_cell
from app.sales.imports.stream import BATCH, Verdict, check, store
from app.tables.dates import DateFormat
from app.tables.layout import Choices

sales = AppGroup("sales", help="Sales invoices.")

Refuse = Callable[[Entry, str], None]


class _RolledBackError(Exception):
    """An import with ``--atomic`` is rolled back, because an invoice was refused."""


@sales.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--atomic", is_flag=True, help="All or nothing: one refusal refuses all.")
@click.option("--sheet", help="The sheet of a workbook, when several could be meant.")
@click.option("--date-format", help="How the file writes dates, for instance dd.mm.yyyy; the default is yyyy-mm-dd.")
@click.option("--refused", type=click.Path(dir_okay=False, path_type=Path), help="Where refused invoices go.")
def import_file(file: Path, *, atomic: bool, sheet: str | None, date_format: str | None, refused: Path | None) -> None:
    """Import invoices from FILE: .json, .ndjson, .csv or .xlsx.

    Prints a summary and writes what was refused, with reasons, beside FILE; mended, that file can be imported
    again. What is there already and says the same counts as done, so an import can be repeated.
    """
    with ExitStack() as stack:
        try:
            choices = Choices(sheet, DateFormat.parse(date_format) if date_format else None)
            stream = stack.enter_context(file.open("rb"))
            source = stack.enter_context(open_source(file, stream, choices, partial(_progress, "Reading")))
        except Refusal as refusal:
            raise click.ClickException(f"{file.name}: {refusal.message}") from refusal
        out = refused or file.with_name(f"{file.stem}.refused{'.csv' if source.heads else '.ndjson'}")
        with _refused_file(out, source.heads) as refuse:
            tally = _run(source, refuse, atomic=atomic)
    _summarise(tally, out, atomic=atomic)


def _run(source: Source, refuse: Refuse, *, atomic: bool) -> Counter[str]:
    tally: Counter[str] = Counter()
    with ExitStack() as stack:
        show = stack.enter_context(_progress("Importing", source.size))
        try:
            with unit_of_work() if atomic else ExitStack():
                _import_all(source, refuse, tally, lambda: show(source.done()), atomic=atomic)
        except _RolledBackError:
            tally["imported"] = 0
    return tally


@contextmanager
def _progress(label: str, size: int) -> Iterator[Callable[[int], None]]:
    """A progress bar; the function moves it to a place."""
    with click.progressbar(length=size, label=label) as bar:
        yield lambda done: bar.update(max(done - bar.pos, 0))


def _import_all(
    source: Source, refuse: Refuse, tally: Counter[str], advance: Callable[[], None], *, atomic: bool
) -> None:
    entries = _until_broken(source.entries, refuse, tally)
    while batch := list(islice(entries, BATCH)):
        checked = [check(place, entry.refusal or entry.payload, None) for place, entry in enumerate(batch)]
        for entry, verdict in zip(batch, store(checked, atomic=atomic), strict=True):
            _count(entry, verdict, refuse, tally)
        advance()
    if atomic and tally["refused"]:
        raise _RolledBackError


def _until_broken(entries: Iterator[Entry], refuse: Refuse, tally: Counter[str]) -> Iterator[Entry]:
    try:
        yield from entries
    except Refusal as refusal:
        tally["refused"] += 1
        refuse(Entry("the rest of the file", None, refusal, None), refusal.message)


def _count(entry: Entry, verdict: Verdict, refuse: Refuse, tally: Counter[str]) -> None:
    refusal = verdict.refusal
    if refusal is None:
        tally["imported"] += 1
    elif verdict.is_done:
        tally["already there"] += 1
    else:
        tally["refused"] += 1
        refuse(entry, _reason(refusal))


def _reason(refusal: Refusal) -> str:
    faults = [f"{'.'.join(map(str, path))}: {' '.join(words)}" for path, words in flatten_errors(refusal.errors or {})]
    if isinstance(refusal, DuplicateInvoice):
        faults = [f"differs in {', '.join((refusal.data or {})['differences'])}"]
    return "; ".join(faults) or refusal.message


@contextmanager
def _refused_file(path: Path, heads: list[str] | None) -> Iterator[Refuse]:
    """A function that writes refused invoices; the first of them creates the file."""
    with ExitStack() as stack:
        opened_file: list[Any] = []

        def refuse(entry: Entry, reason: str) -> None:
            if not opened_file:
                opened_file.append(stack.enter_context(path.open("w", encoding="utf-8", newline="")))
                if heads is not None:
                    csv.writer(opened_file[0]).writerow([*_without_reason(heads, heads), "reason"])
            if heads is None:
                line = {"place": entry.place, "reason": reason, "invoice": entry.original}
                opened_file[0].write(json.encode_text(line) + "\n")
            else:
                rows = entry.original or [[]]
                place_and_reason = guard_formulas(f"{entry.place}: {reason}")
                csv.writer(opened_file[0]).writerows([*_without_reason(heads, row), place_and_reason] for row in rows)

        yield refuse


def _without_reason(heads: list[str], row: list[Any]) -> list[Any]:
    """A row without the ``reason`` column of an earlier run."""
    padded = [*row, *[None] * (len(heads) - len(row))]
    return [csv_cell(cell) for head, cell in zip(heads, padded, strict=False) if head != "reason"]


def _summarise(tally: Counter[str], out: Path, *, atomic: bool) -> None:
    counts = [f"{tally[word]} {word}" for word in ("imported", "already there", "refused")]
    click.echo(", ".join(counts) + ".")
    if tally["refused"]:
        nothing = " Nothing was imported." if atomic else ""
        raise click.ClickException(f"Refused invoices with reasons are in {out}.{nothing}")
