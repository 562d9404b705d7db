"""Sendings in doubt: the provider may have the e-invoice; its look-up, its report or a person's decision settles it.

The decisions of people are in ``app/einvoices/decisions``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter
from sqlalchemy import or_, select

from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.provider_accounts import status_words
from app.einvoices.providers import outcomes, sendings
from app.einvoices.providers.clients import ADAPTERS, can_look_up
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.status import Status
from app.extensions import db
from app.kernel import clock
from app.kernel.worker import work_queue
from app.kernel.worker.work_queue import WorkState

LOOKUPS = Counter("hub_einvoice_lookups_total", "Look-ups of e-invoices in doubt.", ["provider", "outcome"])


@dataclass(frozen=True, slots=True)
class Doubt:
    """A sending about which a person may decide; ``since`` is the time of the last attempt or decision."""

    einvoice_id: int
    invoice_no: str | None
    provider: str
    since: datetime | None
    error: str


def list_doubts() -> list[Doubt]:
    """Sendings that were given up in doubt, and those whose decision is disputed; the oldest first."""
    columns = (EinvoiceSending.einvoice_id, Einvoice.invoice_no, Einvoice.provider)
    query = (
        select(*columns, EinvoiceSending.finished_at, EinvoiceSending.error)
        .join(Einvoice, Einvoice.id == EinvoiceSending.einvoice_id)
        .where(or_(sendings.is_doubtful(), sendings.is_disputed()))
        .order_by(EinvoiceSending.finished_at, EinvoiceSending.id)
    )
    return [
        Doubt(row.einvoice_id, row.invoice_no, row.provider, row.finished_at, row.error or work_queue.WORKER_LOST)
        for row in db.session.execute(query)
    ]


def look_up(provider: str, request: ProviderRequest) -> ProviderResponse | None:
    """Ask a provider whether it has an e-invoice; None if it does not, or if it cannot be asked.

    Raises:
        ProviderRejected: the provider gave no clear answer; this says nothing about a sending, so it is not permanent.
    """
    if not can_look_up(provider, request.lookup_url):
        return None
    try:
        found = ADAPTERS[provider].look_up(request)
    except Exception as error:
        LOOKUPS.labels(provider, "error").inc()
        is_refusal = isinstance(error, ProviderRejected) and error.refuses_credentials
        raise ProviderRejected(
            f"Look-up: {error}", permanent=False, in_doubt=True, refuses_credentials=is_refusal
        ) from error
    LOOKUPS.labels(provider, "not_found" if found is None else "found").inc()
    return found


def settle_by_report(einvoice: Einvoice) -> bool:
    """After a report of the provider: it has the e-invoice if this was ever sent to it, so nothing is left to send.

    This ends a doubt, a sending that waits, and also what a look-up or a refusal had said before. A sending that a
    worker is performing stays: its response follows. So does one that waits when the report repeats the rejection
    because of which it was sent again.
    """
    query = select(EinvoiceSending).where(
        EinvoiceSending.einvoice_id == einvoice.id,
        or_(EinvoiceSending.state == WorkState.PENDING, sendings.is_doubtful()),
    )
    row = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is not None and row.state == WorkState.PENDING:
        is_performed = row.claim_id is not None and row.due_at > clock.now()  # else its worker was lost
        stays = is_performed or status_words.is_rejected_still(einvoice)
    else:
        stays = row is None and Status.ISSUED not in {einvoice.status, einvoice.refunded_from}
    if stays or not sendings.was_attempted(einvoice, row):
        return False
    if row is not None:
        close(row, WorkState.DONE)
    outcomes.record_taken(einvoice, provider_status=einvoice.provider_status)
    return True


def close(row: EinvoiceSending, state: WorkState) -> None:
    """End a doubt; a worker that looks the sending up loses its claim."""
    row.state, row.in_doubt, row.claim_id, row.finished_at = state.value, False, None, clock.now()
    db.session.flush()
