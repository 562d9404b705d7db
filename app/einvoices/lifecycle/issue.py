"""Issuing an e-invoice, cancelling it, and handing it to its provider."""

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
    """Give a draft its number and its date, and have its PDF made.

    Raises:
        UnknownEinvoice: there is none, or not for this caller.
        WrongState: it is no draft.
    """
    einvoice = find_for_update(einvoice_id, scope)
    if einvoice.status != Status.DRAFT:
        raise WrongState("issued", einvoice.status)
    profile = sellers.profile_of(einvoice.owner_id)
    # Before the stamp, so that numbers and dates rise together and the year is the number's own.
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"issue {einvoice.owner_id}", 0))))
    moment = change_clock.stamp()
    year = moment.astimezone(sellers.parse_timezone(profile.timezone)).year
    drawn = numbering.allocate(einvoice.owner_id, profile.prefix, year)
    einvoice.series_id, einvoice.number, einvoice.invoice_no = drawn.series_id, drawn.number, drawn.invoice_no
    einvoice.status, einvoice.issued_at, einvoice.updated_at = Status.ISSUED.value, moment, moment
    einvoice.seller = sellers.snapshot(profile)
    _schedule_pdf(einvoice)
    if einvoice.type != Type.SALE:
        credit_notes.settle(einvoice)
    emit_and_record(ISSUED, einvoice, invoice_no=einvoice.invoice_no)
    return einvoice


def cancel(einvoice_id: int, reason: str, scope: Scope) -> Einvoice:
    """Cancel a draft, or an issued one that nobody outside has seen yet; its number stays used.

    Raises:
        UnknownEinvoice: there is none, or not for this caller.
        WrongState: it went to the provider, or is cancelled already.
        HasCredits: returns or credit notes give parts of it back.
        AlreadySending: it is on its way to the provider.
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
    """Hand an e-invoice to its provider; a worker carries it there and brings back the answer.

    Raises:
        UnknownEinvoice: there is none, or not for this caller.
        WrongState: it has no number yet, or the provider has it.
        AlreadySending: it is on its way.
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
    """Have the PDF made again; until it is there the present one stays.

    Raises:
        UnknownEinvoice: there is none, or not for this caller.
        WrongState: it has no number yet.
    """
    einvoice = find_for_update(einvoice_id, scope)
    if einvoice.number is None:
        raise WrongState("printed", einvoice.status)
    _schedule_pdf(einvoice)
    return einvoice


def _schedule_pdf(einvoice: Einvoice) -> None:
    if einvoice.pdf is None:
        einvoice.pdf = EinvoicePdf(einvoice_id=einvoice.id)
    # A renderer that is still at it loses its claim, for what it renders is the old state.
    for name, value in work_queue.reset_values().items():
        setattr(einvoice.pdf, name, value)
    db.session.flush()
    after_commit(trigger_printer)


def _is_being_sent(einvoice: Einvoice) -> bool:
    pending = select(EinvoiceSending.id).where(
        EinvoiceSending.einvoice_id == einvoice.id, EinvoiceSending.state == WorkState.PENDING
    )
    return db.session.scalar(pending) is not None
