"""Outbox: sends due e-invoices to their providers and stores the responses; applies callbacks of the simulator."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from flask import current_app
from prometheus_client import Counter
from sqlalchemy import select

from app.einvoices.events import QUEUED, SENT, STATUS_CHANGED, emit, emit_and_record, record
from app.einvoices.lifecycle.allowed_steps import is_allowed
from app.einvoices.models.work import EinvoiceCallback, EinvoiceSending
from app.einvoices.providers import status_reports
from app.einvoices.providers.clients import PROVIDERS, ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find, find_for_update
from app.einvoices.schemas.einvoices import EinvoiceDetailSchema
from app.einvoices.status import Status
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import LEASE

log = structlog.get_logger(__name__)
SENDINGS = Counter(
    "hub_einvoice_sendings_total", "Attempts to hand an e-invoice to its provider.", ["provider", "outcome"]
)
#: Seconds after which no new sending starts; well below the time limit of the task.
BUDGET = 8.0
FAILED = "failed"
_document_schema = EinvoiceDetailSchema()


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    einvoice_id: int
    provider: str
    attempts: int
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
        response = PROVIDERS[claim.provider](claim.request)
    except Exception as error:  # noqa: BLE001 - the row stores every failure of a provider and is retried
        SENDINGS.labels(claim.provider, "refused" if isinstance(error, ProviderRejected) else "error").inc()
        log.warning("einvoice_not_sent", einvoice=claim.einvoice_id, attempt=claim.attempts, error=str(error))
        with unit_of_work():
            _record_failure(claim, error)
        return True
    with unit_of_work():
        _record_response(claim, response)
    SENDINGS.labels(claim.provider, "taken").inc()
    log.info("einvoice_sent", provider=claim.provider, attempt=claim.attempts)
    return True


def _claim_next() -> _Claim | None:
    row: EinvoiceSending | None = work_queue.claim(EinvoiceSending, timedelta(seconds=LEASE))
    if row is None or row.claim_id is None:
        return None
    config = current_app.config
    einvoice = find(row.einvoice_id, None)
    document = {**_document_schema.dump(einvoice), "seller": einvoice.seller}
    url, token = config["EINVOICE_PROVIDER_URL"], config["EINVOICE_PROVIDER_TOKEN"]
    request = ProviderRequest(document, str(row.key), url, token, config["TRUSTED_CA_FILE"])
    return _Claim(row.claim_id, row.einvoice_id, row.provider, row.attempts, request)


def _record_failure(claim: _Claim, error: Exception) -> None:
    permanent = isinstance(error, ProviderRejected) and error.permanent
    reason = str(error) if isinstance(error, ProviderRejected) else f"{type(error).__name__}: {error}"
    if not work_queue.fail(EinvoiceSending, claim.id, claim.attempts, reason, for_good=permanent):
        return
    einvoice = find_for_update(claim.einvoice_id, None)
    if einvoice.provider_status == QUEUED:  # otherwise a callback of the provider set a newer status
        einvoice.provider_status = FAILED
    einvoice.updated_at = change_clock.stamp()
    record(einvoice, "not_sent", provider=claim.provider, error=reason)
    emit(STATUS_CHANGED, einvoice)


def _record_response(claim: _Claim, response: ProviderResponse) -> None:
    # Lock order: the e-invoice first, then the sending, whose update shows whether the claim is still valid.
    einvoice = find_for_update(claim.einvoice_id, None)
    if not work_queue.finish(EinvoiceSending, claim.id) or not is_allowed("send", einvoice):
        return
    moment = clock.now()
    einvoice.status, einvoice.updated_at = Status.SENT.value, change_clock.stamp()
    # A callback may have arrived before this response; its status is newer and stays. QUEUED is the hub's own status
    # and is always replaced.
    if einvoice.provider_status in {None, QUEUED}:
        einvoice.provider_status, einvoice.provider_status_at = response.provider_status, moment
    einvoice.provider_invoice_id = response.provider_invoice_id or einvoice.provider_invoice_id
    emit_and_record(SENT, einvoice, provider=claim.provider, provider_status=response.provider_status, raw=response.raw)
    if response.status != Status.SENT:
        einvoice.status = response.status.value
        emit_and_record(STATUS_CHANGED, einvoice, before=Status.SENT.value, after=einvoice.status)
    for after, report in response.callbacks:
        _schedule_callback(claim.einvoice_id, moment, after, report)


def _schedule_callback(einvoice_id: int, moment: datetime, after: float, report: Mapping[str, Any]) -> None:
    db.session.add(
        EinvoiceCallback(
            einvoice_id=einvoice_id,
            due_at=moment + timedelta(seconds=after),
            occurred_at=moment + timedelta(seconds=report["true_after"]),
            said={name: report[name] for name in ("provider_status", "provider_invoice_id")},
        )
    )


def _apply_next_callback() -> bool:
    with unit_of_work():
        due = select(EinvoiceCallback).where(EinvoiceCallback.due_at <= clock.now()).order_by(EinvoiceCallback.due_at)
        row = db.session.scalar(due.limit(1).with_for_update(skip_locked=True))
        if row is None:
            return False
        status_reports.report(row.einvoice_id, {**row.said, "occurred_at": row.occurred_at}, None)
        db.session.delete(row)
    return True
