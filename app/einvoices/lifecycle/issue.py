"""Actions on a finished draft: issue, cancel, send to the provider, request a new PDF."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from app.accounts.ownership import Scope
from app.einvoices import sellers
from app.einvoices.documents import frozen_forms
from app.einvoices.documents.profile_findings import due_date
from app.einvoices.errors import AlreadySending, ChangedBeforeIssue
from app.einvoices.events import CANCELLED, ISSUED, record_step
from app.einvoices.lifecycle import (
    allowed_steps,
    corrections,
    credit_notes,
    document_mode,
    exclusivity,
    numbering,
    readiness,
    step_needs,
)
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.sellers import SellerProfile
from app.einvoices.pdf import print_job
from app.einvoices.provider_accounts import draft_account, sent_documents
from app.einvoices.providers import sendings
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import OwnWord, Status, Type
from app.extensions import db
from app.kernel.unit_of_work import after_commit
from app.kernel.uuids import new_uuid
from app.kernel.worker.celery_app import DebouncedTask

trigger_printer = DebouncedTask("einvoices.print_pdfs")


def issue_unchanged(einvoice_id: int, read_at: datetime, scope: Scope, actor: str) -> Einvoice:
    """Issue a draft whose ``updated_at`` is still ``read_at``: nobody issues what nobody has seen.

    Raises:
        WrongState: it is no draft any more.
        ChangedBeforeIssue: somebody changed the draft after ``read_at``.
        Refusal: as for ``issue``.
    """
    einvoice = find_for_update(einvoice_id, scope)
    step_needs.require("issue", einvoice)
    if einvoice.updated_at != read_at:
        raise ChangedBeforeIssue
    return issue(einvoice_id, scope, actor)


def issue(einvoice_id: int, scope: Scope, actor: str) -> Einvoice:
    """Issue a draft: allocate its number, set its date, and schedule its PDF.

    With a test account it becomes a test document, with a number of a test series.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the e-invoice is not a draft.
        Incomplete: something is missing for a lawful document; the errors name all fields.
        CorrectedAccepted: it is a correction, and the provider accepted the rejected e-invoice after all.
        SaleInReview: its sales invoice is in review.
        SaleChanged: its sales invoice was corrected after it got its lines.
        AlreadyInvoiced: its sales invoice has an issued e-invoice, of whichever user.
        DuplicateOrder: its order of the marketplace has an issued e-invoice.
        SeriesTaken: another user of the same company has the prefix.
        Invalid: it would be a test document of a legal original, or the other way round.
    """
    einvoice = find_for_update(einvoice_id, scope)
    step_needs.require("issue", einvoice)
    profile = sellers.profile_of(einvoice.owner_id)
    readiness.require_complete(profile, einvoice)
    readiness.require_own_series(profile)
    is_test = document_mode.find_mode(einvoice)
    exclusivity.require_still_rejected(einvoice)
    if einvoice.sales_invoice_no:
        exclusivity.require_free_sale(einvoice.sales_invoice_no, einvoice, scope)
        exclusivity.require_current_lines(einvoice)
    # One issue at a time for each owner, locked before the stamp: numbers and dates rise in the same order, and the
    # year of the number is the year of its date.
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"issue {einvoice.owner_id}", 0))))
    exclusivity.require_free_order(einvoice, issued_only=True)
    moment = change_clock.stamp()
    _fix(einvoice, profile, moment, is_test=is_test)
    frozen_forms.freeze(einvoice)
    _schedule_pdf(einvoice)
    if einvoice.type != Type.SALE:
        credit_notes.settle(einvoice)
    record_step("issued", einvoice, actor, ISSUED, invoice_no=einvoice.invoice_no)
    return einvoice


def _fix(einvoice: Einvoice, profile: SellerProfile, moment: datetime, *, is_test: bool) -> None:
    """Give an e-invoice what an issue fixes: number, date, seller, amount due."""
    allocated = numbering.allocate(profile, moment, is_test=is_test)
    einvoice.series_id, einvoice.number, einvoice.is_test = allocated.series_id, allocated.number, is_test
    einvoice.invoice_no, einvoice.official_no = allocated.invoice_no, allocated.official_no
    einvoice.status, einvoice.issued_at, einvoice.updated_at = Status.ISSUED.value, moment, moment
    einvoice.seller = sellers.snapshot(profile)
    einvoice.uuid, einvoice.payable = new_uuid(), einvoice.amount_due
    einvoice.due_date = due_date(einvoice, profile, moment.astimezone(sellers.parse_timezone(profile.timezone)).date())


def cancel(einvoice_id: int, reason: str, scope: Scope, actor: str) -> Einvoice:
    """Cancel a draft, or an e-invoice that the provider does not have or has rejected; its number stays used.

    When it is a correction, the rejected e-invoice is in force again.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the provider has the e-invoice and did not reject it, or it is cancelled already.
        AlreadyCorrected: the e-invoice was rejected and has a correction.
        HasCredits: the e-invoice has returns or credit notes.
        AlreadySending: a sending to the provider is pending.
        InDoubt: a sending was given up in doubt.
    """
    einvoice = find_for_update(einvoice_id, scope)
    step_needs.require("cancel", einvoice)
    sendings.withdraw(einvoice)
    einvoice.status, einvoice.reason, einvoice.updated_at = Status.CANCELLED.value, reason, change_clock.stamp()
    if einvoice.number is not None:
        _schedule_pdf(einvoice)
    if einvoice.corrects_id is not None:
        corrections.free_rejected(einvoice, actor)
    elif einvoice.type != Type.SALE:
        credit_notes.release(einvoice)
    record_step("cancelled", einvoice, actor, CANCELLED, reason=reason)
    return einvoice


def send(einvoice_id: int, scope: Scope, actor: str, *, provider_account_id: int | None = None) -> Einvoice:
    """Queue an e-invoice for its provider; a worker sends it and stores the response.

    When an earlier sending is in doubt, the worker first asks the provider whether it has the e-invoice. One that waits
    for a person, and that never reached the provider, can go through another account.

    Args:
        provider_account_id: another account than that of the draft, for example because that one was archived.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the e-invoice has no number yet, or the provider received it already.
        AlreadyCorrected: the e-invoice was rejected and has a correction.
        AlreadySending: a sending is pending.
        CorrectedAccepted: as for ``issue``.
        SaleInReview, AlreadyInvoiced: it was rejected, and its sales invoice is in review or has another e-invoice.
        AccountNotReady: the provider account is untested, disabled or archived; it names those that are ready.
        DocumentNotSendable: the account wants a legal document that the e-invoice is not ready for.
        InDoubt: another account was named, and the provider of the present one may have the e-invoice.
        Invalid: the owner has no account with the id that was named, or it has the other mode.
    """
    einvoice = find_for_update(einvoice_id, scope)
    step_needs.require("send", einvoice)
    exclusivity.require_still_rejected(einvoice)
    if einvoice.status == Status.REJECTED and einvoice.sales_invoice_no:
        exclusivity.require_free_sale(einvoice.sales_invoice_no, einvoice, scope)
    if provider_account_id is not None and provider_account_id != einvoice.provider_account_id:
        _go_through(einvoice, provider_account_id)
    elif sendings.is_being_sent(einvoice):
        raise AlreadySending
    draft_account.require_ready(einvoice)
    sent_documents.require_document(einvoice)
    einvoice.provider_status, einvoice.updated_at = OwnWord.QUEUED.value, change_clock.stamp()
    sendings.queue(einvoice)
    record_step("queued", einvoice, actor, provider=einvoice.provider)
    return einvoice


def _go_through(einvoice: Einvoice, account_id: int) -> None:
    """Give an issued e-invoice another account, which it is sent through from now on."""
    sendings.require_no_doubt(einvoice)
    sendings.withdraw(einvoice)
    account = draft_account.named(account_id, einvoice.owner_id)
    document_mode.require_mode(account, is_test=einvoice.is_test)
    einvoice.provider_account, einvoice.provider = account, account.adapter
    db.session.flush()


def reprint(einvoice_id: int, scope: Scope) -> Einvoice:
    """Schedule a new PDF; the current file stays until the new one is ready.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the e-invoice has no number yet.
    """
    einvoice = find_for_update(einvoice_id, scope)
    if einvoice.number is None:
        raise allowed_steps.wrong_state("printed", einvoice)
    _schedule_pdf(einvoice)
    return einvoice


def _schedule_pdf(einvoice: Einvoice) -> None:
    db.session.flush()
    print_job.schedule(einvoice.id)
    db.session.refresh(einvoice, ["pdf"])
    after_commit(trigger_printer)
