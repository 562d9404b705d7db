"""Actions on a finished draft: issue, cancel, send to the provider, request a new PDF."""

from __future__ import annotations

from sqlalchemy import func, select

from app.accounts.ownership import Scope
from app.einvoices import sellers
from app.einvoices.errors import AlreadySending, HasCredits, WrongState
from app.einvoices.events import CANCELLED, ISSUED, QUEUED, emit_and_record, record
from app.einvoices.lifecycle import credit_notes, numbering
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoicePdf, EinvoiceSending
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import CANCELLABLE, SENDABLE, Status, Type
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import after_commit
from app.kernel.uuids import new_uuid
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.work_queue import WorkState

trigger_printer = DebouncedTask("einvoices.print_pdfs")
trigger_sender = DebouncedTask("einvoices.send")


def issue(einvoice_id: int, scope: Scope) -> Einvoice:
    """Issue a draft: allocate its number, set its date, and schedule its PDF.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the e-invoice is not a draft.
    """
    einvoice = find_for_update(einvoice_id, scope)
    if einvoice.status != Status.DRAFT:
        raise WrongState("issued", einvoice.status)
    profile = sellers.profile_of(einvoice.owner_id)
    # One issue at a time for each owner, locked before the stamp: numbers and dates rise in the same order, and the
    # year of the number is the year of its date.
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"issue {einvoice.owner_id}", 0))))
    moment = change_clock.stamp()
    year = moment.astimezone(sellers.parse_timezone(profile.timezone)).year
    allocated = numbering.allocate(einvoice.owner_id, profile.prefix, year)
    einvoice.series_id, einvoice.number = allocated.series_id, allocated.number
    einvoice.invoice_no = allocated.invoice_no
    einvoice.status, einvoice.issued_at, einvoice.updated_at = Status.ISSUED.value, moment, moment
    einvoice.seller = sellers.snapshot(profile)
    _schedule_pdf(einvoice)
    if einvoice.type != Type.SALE:
        credit_notes.settle(einvoice)
    emit_and_record(ISSUED, einvoice, invoice_no=einvoice.invoice_no)
    return einvoice


def cancel(einvoice_id: int, reason: str, scope: Scope) -> Einvoice:
    """Cancel a draft, or an issued e-invoice that was not sent; its number stays used.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the e-invoice was sent to the provider, or is cancelled already.
        HasCredits: the e-invoice has returns or credit notes.
        AlreadySending: a sending to the provider is pending.
    """
    einvoice = find_for_update(einvoice_id, scope)
    if einvoice.status not in CANCELLABLE:
        raise WrongState("cancelled", einvoice.status)
    if credit_notes.has_credits(einvoice):
        raise HasCredits
    if _is_being_sent(einvoice):
        raise AlreadySending
    einvoice.status, einvoice.reason, einvoice.updated_at = Status.CANCELLED.value, reason, change_clock.stamp()
    if einvoice.number is not None:
        _schedule_pdf(einvoice)
    if einvoice.type != Type.SALE:
        credit_notes.release(einvoice)
    emit_and_record(CANCELLED, einvoice, reason=reason)
    return einvoice


def send(einvoice_id: int, scope: Scope) -> Einvoice:
    """Queue an e-invoice for its provider; a worker sends it and stores the response.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the e-invoice has no number yet, or the provider received it already.
        AlreadySending: a sending is pending.
    """
    einvoice = find_for_update(einvoice_id, scope)
    if einvoice.status not in SENDABLE:
        raise WrongState("sent", einvoice.status)
    if _is_being_sent(einvoice):
        raise AlreadySending
    moment = change_clock.stamp()
    sending = EinvoiceSending(
        einvoice_id=einvoice.id,
        provider=einvoice.provider,
        key=new_uuid(),
        state=WorkState.PENDING.value,
        due_at=clock.now(),
    )
    db.session.add(sending)
    einvoice.provider_status, einvoice.updated_at = QUEUED, moment
    record(einvoice, "queued", provider=einvoice.provider)
    after_commit(trigger_sender)
    return einvoice


def reprint(einvoice_id: int, scope: Scope) -> Einvoice:
    """Schedule a new PDF; the current file stays until the new one is ready.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the e-invoice has no number yet.
    """
    einvoice = find_for_update(einvoice_id, scope)
    if einvoice.number is None:
        raise WrongState("printed", einvoice.status)
    _schedule_pdf(einvoice)
    return einvoice


def _schedule_pdf(einvoice: Einvoice) -> None:
    if einvoice.pdf is None:
        einvoice.pdf = EinvoicePdf(einvoice_id=einvoice.id)
    # A worker that is rendering the old state loses its claim.
    for name, value in work_queue.reset_values().items():
        setattr(einvoice.pdf, name, value)
    db.session.flush()
    after_commit(trigger_printer)


def _is_being_sent(einvoice: Einvoice) -> bool:
    pending = select(EinvoiceSending.id).where(
        EinvoiceSending.einvoice_id == einvoice.id, EinvoiceSending.state == WorkState.PENDING
    )
    return db.session.scalar(pending) is not None
