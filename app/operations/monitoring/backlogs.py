"""Backlogs: for each kind of work in a table, the due rows and their age, and the failed and doubtful rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, select, update

from app.accounts import audit
from app.einvoices.models.documents import EinvoiceOfficialCheck
from app.einvoices.models.official_requests import OfficialRequest
from app.einvoices.models.work import EinvoiceCallback, EinvoicePdf, EinvoicePreview, EinvoiceSending
from app.einvoices.providers import lockouts, resend, sendings
from app.events.models import Event
from app.extensions import db
from app.grn.models.papers import LabelPrint, ReceiptPdf
from app.kernel import clock
from app.kernel.worker import work_queue
from app.pdf.models import FileRemoval
from app.pdf.print_queue import PRINT_QUEUES
from app.rules.official import xslt_processor
from app.sales.models.prints import SalesPrint
from app.webhooks.models.deliveries import Delivery
from app.webhooks.models.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class Source:
    """The columns of one kind of work: its due time, and conditions of waiting, failed and doubtful rows."""

    waiting: ColumnElement[bool]
    since: Any
    failed: ColumnElement[bool] | None = None
    in_doubt: ColumnElement[bool] | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Due and failed work of one kind, and work in doubt: it failed, but perhaps it was done."""

    kind: str
    due: int
    oldest_seconds: float
    failed: int
    in_doubt: int


#: Every kind of work that waits in a table.
SOURCES: Mapping[str, Source] = {
    "events": Source(Event.position.is_(None), Event.created_at),
    "pdfs": Source(EinvoicePdf.state == "pending", EinvoicePdf.due_at, EinvoicePdf.state == "failed"),
    # A preview that failed is gone after minutes, and the person who asked for it has seen why.
    "previews": Source(EinvoicePreview.state == "pending", EinvoicePreview.due_at),
    "sales_prints": Source(SalesPrint.state == "pending", SalesPrint.due_at),
    "receipt_pdfs": Source(ReceiptPdf.state == "pending", ReceiptPdf.due_at, ReceiptPdf.state == "failed"),
    "label_prints": Source(LabelPrint.state == "pending", LabelPrint.due_at, LabelPrint.state == "failed"),
    "sendings": Source(
        and_(EinvoiceSending.state == "pending", ~sendings.lacks_document(), ~lockouts.waits_for_person()),
        EinvoiceSending.due_at,
        and_(resend.is_given_up(), ~EinvoiceSending.in_doubt),
        sendings.is_doubtful(),
    ),
    # What failed is a sending that failed.
    "sent_documents": Source(
        and_(EinvoiceSending.state == "pending", sendings.lacks_document()), EinvoiceSending.due_at
    ),
    # Without the package of the rules there is no row, unless it was removed later: then they wait for a person.
    "official_checks": Source(
        and_(EinvoiceOfficialCheck.state == "pending", literal(xslt_processor.is_installed())),
        EinvoiceOfficialCheck.due_at,
        EinvoiceOfficialCheck.state == "failed",
    ),
    # A request that failed is gone after minutes, and its caller has seen why.
    "official_requests": Source(OfficialRequest.state == "pending", OfficialRequest.due_at),
    # Deliveries of a disabled endpoint wait for a person, not for a worker.
    "deliveries": Source(
        and_(Delivery.state == "pending", Delivery.endpoint.has(Endpoint.status != "disabled")),
        Delivery.due_at,
        Delivery.state == "failed",
    ),
    "file_removals": Source(FileRemoval.path.is_not(None), FileRemoval.requested_at),
    "callbacks": Source(EinvoiceCallback.due_at.is_not(None), EinvoiceCallback.due_at),
}


def list_backlogs() -> list[Backlog]:
    """The backlog of every kind of work."""
    return [_count_backlog(kind, source, clock.now()) for kind, source in SOURCES.items()]


def print_again(*, actor: str) -> int:
    """Retry every failed PDF; returns their number."""
    count = 0
    for queue in PRINT_QUEUES:
        failed = queue.rows.state == work_queue.WorkState.FAILED
        count += db.session.execute(update(queue.rows).where(failed).values(work_queue.reset_values())).rowcount
    audit.record("pdfs.retried", actor=actor, subject="pdfs:failed", count=count)
    return count


def _count_backlog(kind: str, source: Source, moment: datetime) -> Backlog:
    due = select(func.count(), func.min(source.since)).where(source.waiting, source.since <= moment)
    count, oldest = db.session.execute(due).one()
    age = (moment - oldest).total_seconds() if oldest else 0.0
    return Backlog(kind, count, age, _count(source.failed), _count(source.in_doubt))


def _count(condition: ColumnElement[bool] | None) -> int:
    return 0 if condition is None else db.session.scalar(select(func.count()).where(condition)) or 0
