"""Review queue of billing: the waiting invoices, the next one, and corrections that refuse an outdated invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, tuple_

from app.extensions import db
from app.sales.errors import ChangedMeanwhile
from app.sales.floor.available_steps import load_payload
from app.sales.floor.history import Actor
from app.sales.floor.steps import STEPS
from app.sales.models.floor import HistoryEntry
from app.sales.models.invoices import ReturnRecord, SalesInvoice
from app.sales.queries.lookup import find, find_by_number
from app.sales.state_machine import Status

CORRECT = STEPS["billing.correct"]
_OLDEST_FIRST = (SalesInvoice.updated_at, SalesInvoice.id)
_WAITS = SalesInvoice.status == Status.REVIEW


def list_waiting(limit: int) -> Sequence[Row[Any]]:
    """The invoices that wait longest: id, number, reason, section and time of the return."""
    query = (
        select(
            SalesInvoice.id,
            SalesInvoice.invoice_no,
            ReturnRecord.reason,
            ReturnRecord.section,
            ReturnRecord.returned_at,
        )
        .join(ReturnRecord, (ReturnRecord.invoice_id == SalesInvoice.id) & ReturnRecord.resolved_at.is_(None))
        .where(_WAITS)
        .order_by(*_OLDEST_FIRST)
        .limit(limit)
    )
    rows: Sequence[Row[Any]] = db.session.execute(query).all()
    return rows


def next_after(invoice_id: int, since: datetime) -> int | None:
    """The id of the invoice that follows one that waits ``since``; after the last one the first; None if none waits."""
    others = select(SalesInvoice.id).where(_WAITS, SalesInvoice.id != invoice_id).order_by(*_OLDEST_FIRST).limit(1)
    later = others.where(tuple_(*_OLDEST_FIRST) > tuple_(since, invoice_id))
    following: int | None = db.session.scalar(later) or db.session.scalar(others)
    return following


def last_step(invoice_id: int) -> HistoryEntry | None:
    """The newest entry in the history of an invoice; None if nobody has taken a step with it."""
    newest = select(HistoryEntry).where(HistoryEntry.invoice_id == invoice_id).order_by(HistoryEntry.id.desc()).limit(1)
    entry: HistoryEntry | None = db.session.scalar(newest)
    return entry


def correct_unchanged(
    invoice_id: int, read_at: datetime, data: Mapping[str, Any], line_numbers: Sequence[int | None], actor: Actor
) -> SalesInvoice:
    """Correct an invoice whose ``updated_at`` is still ``read_at``.

    Args:
        data: the payload of a correction, without the number of the invoice.
        line_numbers: for each item of ``data`` the line that it changes; None for a new line.

    Raises:
        ChangedMeanwhile: somebody changed the invoice after ``read_at``.
        Refusal: as ``review.correct``.
    """
    number = find(invoice_id).invoice_no
    if find_by_number(number, lock=True).updated_at != read_at:
        raise ChangedMeanwhile
    loaded = load_payload(CORRECT, {**data, "invoice_no": number})
    for item, line_no in zip(loaded["items"], line_numbers, strict=True):
        if line_no is not None:
            item["line_no"] = line_no
    corrected: SalesInvoice = CORRECT.take(loaded, actor)
    return corrected
