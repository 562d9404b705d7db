"""Import of thousands of invoices from one stream: a verdict for each invoice, one batch in memory at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from marshmallow import ValidationError

from app.kernel import json
from app.kernel.errors import Invalid, MalformedJson, Refusal
from app.kernel.identifiers import clean_identifier
from app.kernel.prefetch import prefetch
from app.kernel.schemas.error_limits import count_errors, limit_errors
from app.kernel.unit_of_work import unit_of_work
from app.sales.errors import AllRefused, DuplicateInvoice, TooManyInvoices
from app.sales.imports.batch import Drafted, import_many
from app.sales.imports.single import new_invoice
from app.sales.schemas.invoices import ImportSchema

MAX_INVOICES = 10_000
#: A batch ends at either limit: 1,000 large invoices would fill the memory.
BATCH, BATCH_BYTES = 1000, 2**20
#: Errors that the verdicts show in full; of every later invoice only the first one is shown.
MAX_ERRORS = 1000

_schema = ImportSchema()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the invoice at ``index``: stored or refused."""

    index: int
    invoice_no: str | None
    invoice: Mapping[str, Any] | None = None
    refusal: Refusal | None = None

    @property
    def is_done(self) -> bool:
        """The invoice is stored as sent, by this import or by an earlier one."""
        return self.refusal is None or (isinstance(self.refusal, DuplicateInvoice) and self.refusal.is_identical)


@dataclass(slots=True)
class Report:
    """All verdicts in order, and the fault that ended the reading early, if any."""

    verdicts: list[Verdict] = field(default_factory=list)
    fault: Refusal | None = None

    @property
    def undone(self) -> list[Verdict]:
        """The verdicts on invoices that are not stored as sent."""
        return [verdict for verdict in self.verdicts if not verdict.is_done]


def import_stream(
    texts: Iterable[bytes], *, created_user_id: int | None, atomic: bool = False, most: int = MAX_INVOICES
) -> Report:
    """Import the JSON texts of invoices, batch by batch, each batch committed. Refused invoices leave nothing.

    A fault that ends the reading early (a broken stream, too many invoices) is in the report; the invoices before
    it are imported.

    Args:
        atomic: nothing is committed here, and one refusal refuses all; an identical stored invoice is no refusal.

    Raises:
        AllRefused: ``atomic``, and an invoice was refused; the caller must not commit the transaction.
    """
    report = Report()
    # While the database stores one batch, the next is read and checked.
    with closing(prefetch(_batches(_bounded(iter(texts), report, most), created_user_id))) as ready:
        for batch in ready:
            report.verdicts += store(batch, atomic=atomic)
    if atomic and (report.fault or report.undone):
        raise AllRefused(report)
    return report


@dataclass(frozen=True, slots=True)
class Checked:
    """An invoice that was read and checked: ready to be stored, or refused."""

    index: int
    invoice_no: str | None
    drafted: Drafted | None = None
    refusal: Refusal | None = None


def check(index: int, payload: Any, created_user_id: int | None) -> Checked:
    """All checks without the database; ``payload`` may be the refusal of a text that could not be parsed."""
    if isinstance(payload, Refusal):
        return Checked(index, None, None, payload)
    try:
        loaded = load(payload)
        return Checked(index, loaded["invoice_no"], (loaded, new_invoice(loaded, created_user_id)))
    except Refusal as refusal:
        return Checked(index, _number_of(payload), None, refusal)


def store(batch: list[Checked], *, atomic: bool) -> list[Verdict]:
    """Verdicts on one batch, in order; committed unless ``atomic``."""
    fresh = [checked.drafted for checked in batch if checked.drafted]
    with nullcontext() if atomic else unit_of_work():
        outcomes = iter(import_many(fresh) if fresh else [])
    return [_verdict(checked, next(outcomes) if checked.drafted else checked.refusal) for checked in batch]


def _verdict(checked: Checked, outcome: Any) -> Verdict:
    if isinstance(outcome, Refusal):
        return Verdict(checked.index, checked.invoice_no, refusal=outcome)
    return Verdict(checked.index, checked.invoice_no, _answer_fields(outcome))


def _batches(texts: Iterator[bytes], created_user_id: int | None) -> Iterator[list[Checked]]:
    batch: list[Checked] = []
    size, errors = 0, 0
    for index, raw in enumerate(texts):
        checked = check(index, _parsed(raw), created_user_id)
        if checked.refusal and checked.refusal.errors:
            errors += count_errors(checked.refusal.errors)
            if errors > MAX_ERRORS:
                checked.refusal.errors = limit_errors(checked.refusal.errors, 1)
            time.sleep(0)  # errors take long to collect: other requests of this process have their turn
        batch.append(checked)
        size += len(raw)
        if len(batch) == BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def load(payload: Any) -> dict[str, Any]:
    """A payload as the import's schema loads it.

    Raises:
        Invalid: with the errors of the schema.
    """
    try:
        return dict(_schema.load(payload))
    except ValidationError as error:
        raise Invalid(error.normalized_messages(), payload=payload) from error  # type: ignore[no-untyped-call]


def _bounded(texts: Iterator[bytes], report: Report, most: int) -> Iterator[bytes]:
    try:
        yield from islice(texts, most)
        if next(texts, None) is not None:
            report.fault = TooManyInvoices(most)
    except Refusal as fault:
        # Its traceback would keep the text of an invoice in memory, up to 8 MiB, until the next garbage collection.
        report.fault = fault.with_traceback(None)


def _parsed(raw: bytes) -> Any:
    try:
        return json.parse_strict(raw)
    except MalformedJson as refusal:
        return refusal


def _number_of(payload: Any) -> str | None:
    number = payload.get("invoice_no") if isinstance(payload, dict) else None
    return clean_identifier(number) if isinstance(number, str) else None


def _answer_fields(invoice: Mapping[str, Any]) -> dict[str, Any]:
    """Only the fields of the answer: 10,000 full invoices would fill the memory."""
    return {name: invoice[name] for name in ("id", "total_amount", "total_difference")}
