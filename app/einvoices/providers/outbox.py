"""Outbox: sends due e-invoices to their providers and stores the responses; applies callbacks of the simulator."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import select

from app.einvoices.lifecycle.allowed_steps import is_allowed
from app.einvoices.models.work import EinvoiceCallback, EinvoiceSending
from app.einvoices.providers import doubt, outcomes, status_reports
from app.einvoices.providers.clients import PROVIDERS
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.providers.sendings import build_request
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import OwnWord, Status
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import LEASE

log = structlog.get_logger(__name__)
SENDINGS = Counter(
    "hub_einvoice_sendings_total", "Attempts to hand an e-invoice to its provider.", ["provider", "outcome"]
)
#: Seconds after which no new sending starts. A look-up and a sending may follow, within the time limit of the task.
BUDGET = 4.0


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    einvoice_id: int
    provider: str
    attempts: int
    #: Whether the provider may have the e-invoice from an earlier attempt.
    was_in_doubt: bool
    request: ProviderRequest


def send_due() -> bool:
    """Send due e-invoices; true when the time budget ended and work may be left."""
    started = time.monotonic()
    while _send_next():
        if time.monotonic() - started > BUDGET:
            return True
    return False


def apply_due_callbacks() -> int:
    """Apply due callbacks of the simulator; returns their number."""
    count = 0
    while _apply_next_callback():
        count += 1
    return count


def _send_next() -> bool:
    with unit_of_work():
        claim = _claim_next()
    if claim is None:
        return False
    try:
        found = doubt.look_up(claim.provider, claim.request) if claim.was_in_doubt else None
        response = found or PROVIDERS[claim.provider](claim.request)
    except Exception as error:  # noqa: BLE001 - the row stores every failure of a provider and is retried
        SENDINGS.labels(claim.provider, "refused" if isinstance(error, ProviderRejected) else "error").inc()
        log.warning("einvoice_not_sent", einvoice=claim.einvoice_id, attempt=claim.attempts, error=str(error))
        with unit_of_work():
            _record_failure(claim, error)
        return True
    with unit_of_work():
        _record_response(claim, response, looked_up=found is not None)
    SENDINGS.labels(claim.provider, "taken").inc()
    log.info("einvoice_sent", provider=claim.provider, attempt=claim.attempts, looked_up=found is not None)
    return True


def _claim_next() -> _Claim | None:
    row: EinvoiceSending | None = work_queue.claim(EinvoiceSending, timedelta(seconds=LEASE))
    if row is None or row.claim_id is None:
        return None
    was_in_doubt, row.in_doubt = row.in_doubt, True  # until an answer comes, also when this worker is killed
    return _Claim(row.claim_id, row.einvoice_id, row.provider, row.attempts, was_in_doubt, build_request(row))


def _record_failure(claim: _Claim, error: Exception) -> None:
    rejected = error if isinstance(error, ProviderRejected) else None
    reason = str(error) if rejected else f"{type(error).__name__}: {error}"
    in_doubt = claim.was_in_doubt or rejected is None or rejected.in_doubt
    einvoice = find_for_update(claim.einvoice_id, None)  # lock order: the e-invoice first
    permanent = rejected is not None and rejected.permanent
    gave_up = work_queue.fail(EinvoiceSending, claim.id, claim.attempts, reason, for_good=permanent, in_doubt=in_doubt)
    # A callback that came during a request without an answer says that the provider has the e-invoice.
    if in_doubt and einvoice.provider_status != OwnWord.QUEUED and doubt.settle_by_report(einvoice):
        return
    if gave_up:
        outcomes.record_given_up(einvoice, claim.provider, reason, in_doubt=in_doubt)


def _record_response(claim: _Claim, response: ProviderResponse, *, looked_up: bool) -> None:
    # Lock order: the e-invoice first, then the sending, whose update shows whether the claim is still valid.
    einvoice = find_for_update(claim.einvoice_id, None)
    if not work_queue.finish(EinvoiceSending, claim.id, in_doubt=False):
        return
    if is_allowed("send", einvoice) or einvoice.status == Status.REFUNDED:
        outcomes.record_response(einvoice, claim.provider, response, **({"looked_up": True} if looked_up else {}))


def _apply_next_callback() -> bool:
    with unit_of_work():
        due = select(EinvoiceCallback).where(EinvoiceCallback.due_at <= clock.now()).order_by(EinvoiceCallback.due_at)
        row = db.session.scalar(due.limit(1).with_for_update(skip_locked=True))
        if row is None:
            return False
        status_reports.report(row.einvoice_id, {**row.said, "occurred_at": row.occurred_at}, None)
        db.session.delete(row)
    return True
