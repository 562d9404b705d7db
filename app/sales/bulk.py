"""Importing thousands of invoices from one stream: each gets its own verdict, and memory holds one batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from marshmallow import ValidationError

from app.kernel import json
from app.kernel.errors import Invalid, MalformedJson, Refusal
from app.kernel.unit_of_work import unit_of_work
from app.sales.errors import AllRefused, TooManyInvoices
from app.sales.importing import new_invoice
from app.sales.importing_many import Drafted, import_many
from app.sales.quick import Declined, quick
from app.sales.schemas import ImportSchema

MOST = 10_000
BATCH = 500

_schema = ImportSchema()
_quick = quick(_schema)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the invoice at ``index``: stored, or refused."""

    index: int
    invoice_no: str | None
    invoice: Mapping[str, Any] | None = None
    refusal: Refusal | None = None


@dataclass(slots=True)
class Report:
    """All verdicts in order, and what ended the reading early, if anything did."""

    verdicts: list[Verdict] = field(default_factory=list)
    fault: Refusal | None = None

    @property
    def imported(self) -> int:
        return sum(verdict.refusal is None for verdict in self.verdicts)

    @property
    def refused(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.refusal is not None]


def import_stream(
    texts: Iterable[bytes], *, created_user_id: int | None, atomic: bool = False, most: int = MOST
) -> Report:
    """Import the JSON texts of invoices, batch by batch, each batch committed: good ones stay, bad ones leave nothing.

    What ends the reading early (a broken stream, too many invoices) stands in the report; what was read before
    counts all the same.

    Args:
        atomic: nothing is committed here, and one refusal refuses all.

    Raises:
        AllRefused: ``atomic``, and something was wrong; the caller's transaction must not be committed.
    """
    report = Report()
    remaining = _bounded(iter(texts), report, most)
    while batch := list(islice(remaining, BATCH)):
        drafts = [_drafted(len(report.verdicts) + place, _parsed(raw)) for place, raw in enumerate(batch)]
        report.verdicts += import_batch(drafts, created_user_id, atomic=atomic)
    if atomic and (report.fault or report.refused):
        raise AllRefused(report)
    return report


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice that was read: its payload, or why it could not even be read."""

    index: int
    payload: Any
    refusal: Refusal | None = None


def _drafted(index: int, parsed: Any) -> Draft:
    return Draft(index, None, parsed) if isinstance(parsed, Refusal) else Draft(index, parsed)


def import_batch(drafts: list[Draft], created_user_id: int | None, *, atomic: bool) -> list[Verdict]:
    """Verdicts on one batch, in order; committed unless ``atomic``."""
    verdicts: dict[int, Verdict] = {}
    valid: list[tuple[int, Drafted]] = []
    for draft in drafts:
        try:
            if draft.refusal:
                raise draft.refusal
            loaded = load(draft.payload)
            valid.append((draft.index, (loaded, new_invoice(loaded, created_user_id))))
        except Refusal as refusal:
            verdicts[draft.index] = Verdict(draft.index, _number_of(draft.payload), None, refusal)
    with nullcontext() if atomic else unit_of_work():
        outcomes = import_many([drafted for _, drafted in valid]) if valid else []
    for (index, (data, _)), outcome in zip(valid, outcomes, strict=True):
        number = data["invoice_no"]
        if isinstance(outcome, Refusal):
            verdicts[index] = Verdict(index, number, refusal=outcome)
        else:
            verdicts[index] = Verdict(index, number, _kept(outcome))
    return [verdicts[draft.index] for draft in drafts]


def load(payload: Any) -> dict[str, Any]:
    """A payload as the import's schema loads it.

    Raises:
        Invalid: with the schema's own words.
    """
    try:
        return dict(_quick(payload))
    except Declined:
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
        report.fault = fault


def _parsed(raw: bytes) -> Any:
    try:
        return json.decode(raw)
    except MalformedJson as refusal:
        return refusal


def _number_of(payload: Any) -> str | None:
    number = payload.get("invoice_no") if isinstance(payload, dict) else None
    return number if isinstance(number, str) else None


def _kept(invoice: Mapping[str, Any]) -> dict[str, Any]:
    """Only what the answer says of it: ten thousand full invoices would fill the memory."""
    return {name: invoice[name] for name in ("id", "total_amount", "total_difference")}
