"""Outcomes of a sending: what an e-invoice becomes when the provider has it, and when the sending was given up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.einvoices.events import SENT, STATUS_CHANGED, emit, emit_and_record, record
from app.einvoices.models.documents import EinvoiceDocument
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoiceCallback, EinvoiceSending
from app.einvoices.provider_accounts import status_words
from app.einvoices.providers.contract import ProviderResponse
from app.einvoices.queries import change_clock
from app.einvoices.status import OwnWord, Status
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import after_commit
from app.kernel.worker.celery_app import DebouncedTask

trigger_callbacks = DebouncedTask("einvoices.apply_callbacks")
#: Provider statuses while no word of the provider is known; the hub's own words never hide one of the provider.
UNANSWERED = frozenset({None, OwnWord.QUEUED, OwnWord.FAILED, OwnWord.IN_DOUBT})


def record_response(
    einvoice: Einvoice,
    response: ProviderResponse,
    asked_at: datetime,
    *,
    since: datetime,
    is_repeat: bool,
    **payload: Any,
) -> None:
    """Record the response of a provider, which came at once or was looked up; ``payload`` goes into the history.

    Args:
        asked_at: when the request began. What the provider says of a later moment is newer than the response: a report
            often occurs after the e-invoice was stored, and before its response was recorded here.
        since: the earliest moment of the word of the response.
        is_repeat: the provider may have had the e-invoice before the request, and respond as it did then.
    """
    moment = clock.now()
    if _is_news(einvoice, asked_at, is_repeat):
        einvoice.provider_status = response.provider_status
        einvoice.provider_status_at = max(since, einvoice.provider_status_at or since)
    einvoice.provider_invoice_id = response.provider_invoice_id or einvoice.provider_invoice_id
    record_taken(einvoice, provider_status=response.provider_status, raw=response.raw, **payload)
    if response.status != Status.SENT and status_words.mapping_of(einvoice) is None:
        _set_status(einvoice, response.status)
        emit_and_record(STATUS_CHANGED, einvoice, before=Status.SENT.value, after=response.status.value)
    if response.callbacks:
        after_commit(trigger_callbacks)
    for after, report in response.callbacks:
        _schedule_callback(einvoice.id, moment, after, report)


def record_word(einvoice: Einvoice, response: ProviderResponse, asked_at: datetime) -> None:
    """Record the word of a provider of which a person had decided that it has the e-invoice; it was looked up."""
    store_word(einvoice, response, asked_at)
    facts = {"taken": True, "provider_status": response.provider_status, "raw": response.raw}
    record(einvoice, "decision_confirmed", **facts)
    if response.status != Status.SENT and status_words.mapping_of(einvoice) is None:
        _set_status(einvoice, response.status)
        emit_and_record(STATUS_CHANGED, einvoice, before=Status.SENT.value, after=response.status.value)
    elif not status_words.apply(einvoice):
        emit(STATUS_CHANGED, einvoice)


def store_word(einvoice: Einvoice, response: ProviderResponse, asked_at: datetime) -> None:
    """Store the present word of a provider that was looked up; the own status stays."""
    einvoice.provider_status, einvoice.provider_status_at = response.provider_status, asked_at
    einvoice.provider_invoice_id = response.provider_invoice_id or einvoice.provider_invoice_id
    einvoice.updated_at = change_clock.stamp()


def take_back(einvoice: Einvoice) -> None:
    """The e-invoice did not reach the provider, although a person had decided so: it can be sent or cancelled again."""
    _set_status(einvoice, Status.ISSUED)
    if einvoice.provider_status == OwnWord.TAKEN:
        einvoice.provider_status = OwnWord.FAILED.value


def record_taken(einvoice: Einvoice, **payload: Any) -> None:
    """Record that the provider has it; ``payload`` goes into the history, with what legal document was sent."""
    einvoice.updated_at = change_clock.stamp()
    _set_status(einvoice, Status.SENT)
    emit_and_record(SENT, einvoice, provider=einvoice.provider, **payload, **_sent_document(einvoice))
    status_words.apply(einvoice)  # the word may have come before, by a callback


def _sent_document(einvoice: Einvoice) -> dict[str, str]:
    """Format and hash of the legal document of the last sending through the present account, if it has one."""
    query = select(EinvoiceDocument.format, EinvoiceDocument.sha256).select_from(EinvoiceSending)
    query = query.outerjoin(EinvoiceDocument, EinvoiceDocument.id == EinvoiceSending.document_id).where(
        EinvoiceSending.einvoice_id == einvoice.id, EinvoiceSending.lane_id == (einvoice.provider_account_id or 0)
    )
    row = db.session.execute(query.order_by(EinvoiceSending.id.desc()).limit(1)).first()
    return {} if row is None or row.sha256 is None else {"format": row.format, "sha256": row.sha256}


def record_given_up(einvoice: Einvoice, error: str, *, in_doubt: bool) -> None:
    """Record that no further attempt follows."""
    if einvoice.provider_status == OwnWord.QUEUED:  # otherwise a callback of the provider set a newer status
        einvoice.provider_status = (OwnWord.IN_DOUBT if in_doubt else OwnWord.FAILED).value
    einvoice.updated_at = change_clock.stamp()
    record(einvoice, "in_doubt" if in_doubt else "not_sent", provider=einvoice.provider, error=error)
    emit(STATUS_CHANGED, einvoice)


def record_not_taken(einvoice: Einvoice, **payload: Any) -> None:
    """Record that a doubt is settled: the provider does not have the e-invoice; ``payload`` goes into the history."""
    if einvoice.provider_status in UNANSWERED:
        einvoice.provider_status = OwnWord.FAILED.value
    einvoice.updated_at = change_clock.stamp()
    record(einvoice, "doubt_settled", taken=False, **payload)
    emit(STATUS_CHANGED, einvoice)


def _is_news(einvoice: Einvoice, asked_at: datetime, is_repeat: bool) -> bool:
    """Whether a response is newer than the stored word.

    A word that came during the request is newer, and so is any word if the response may be the first one again; except
    the rejection because of which the e-invoice was sent again.
    """
    if einvoice.provider_status in UNANSWERED:
        return True
    if einvoice.provider_status_at is not None and einvoice.provider_status_at >= asked_at:
        return False
    return not is_repeat or status_words.is_rejected_still(einvoice)


def _set_status(einvoice: Einvoice, status: Status) -> None:
    """Set the own status; a sale that was refunded meanwhile stays so, and gets the status when its credits end."""
    if einvoice.status == Status.REFUNDED:
        einvoice.refunded_from = status.value
    else:
        einvoice.status = status.value


def _schedule_callback(einvoice_id: int, moment: datetime, after: float, report: Mapping[str, Any]) -> None:
    db.session.add(
        EinvoiceCallback(
            einvoice_id=einvoice_id,
            due_at=moment + timedelta(seconds=after),
            occurred_at=moment + timedelta(seconds=report["true_after"]),
            said={name: report[name] for name in ("provider_status", "provider_invoice_id")},
        )
    )
