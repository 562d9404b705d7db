"""Sendings in doubt: the provider may have the e-invoice; its look-up, its report or a person's decision settles it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from prometheus_client import Counter
from sqlalchemy import or_, select

from app.accounts import audit
from app.accounts.ownership import Scope
from app.einvoices.errors import AlreadySending, NotInDoubt
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers import outcomes, sendings
from app.einvoices.providers.clients import LOOK_UPS, can_look_up
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import OwnWord
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.work_queue import WorkState

log = structlog.get_logger(__name__)
LOOKUPS = Counter("hub_einvoice_lookups_total", "Look-ups of e-invoices in doubt.", ["provider", "outcome"])
#: Seconds after which no new look-up starts; well below the time limit of the task.
BUDGET = 8.0
#: The time between two look-ups of a sending grows from the first to the second, with the age of the doubt.
_LOOK_UP_INTERVAL = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    einvoice_id: int
    provider: str
    attempts: int
    error: str
    request: ProviderRequest


@dataclass(frozen=True, slots=True)
class Doubt:
    """A sending in doubt, for an operator; ``since`` is the time of the last attempt."""

    einvoice_id: int
    invoice_no: str | None
    provider: str
    since: datetime | None
    error: str


def list_doubts() -> list[Doubt]:
    """Sendings that were given up in doubt, the oldest first."""
    columns = (EinvoiceSending.einvoice_id, Einvoice.invoice_no, EinvoiceSending.provider)
    query = (
        select(*columns, EinvoiceSending.finished_at, EinvoiceSending.error)
        .join(Einvoice, Einvoice.id == EinvoiceSending.einvoice_id)
        .where(sendings.is_doubtful())
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
        found = LOOK_UPS[provider](request)
    except Exception as error:
        LOOKUPS.labels(provider, "error").inc()
        raise ProviderRejected(f"Look-up: {error}", permanent=False, in_doubt=True) from error
    LOOKUPS.labels(provider, "not_found" if found is None else "found").inc()
    return found


def look_up_due() -> bool:
    """Look up sendings that were given up in doubt; true when the time budget ended and work may be left."""
    started = time.monotonic()
    while _look_up_next():
        if time.monotonic() - started > BUDGET:
            return True
    return False


def settle_by_report(einvoice: Einvoice) -> bool:
    """After a report of the provider: a sending in doubt is done, because the provider has the e-invoice.

    A sending that a worker is performing stays: its response follows.
    """
    is_idle = or_(EinvoiceSending.claim_id.is_(None), EinvoiceSending.state == WorkState.FAILED)
    query = select(EinvoiceSending).where(
        EinvoiceSending.einvoice_id == einvoice.id,
        EinvoiceSending.in_doubt,
        EinvoiceSending.state != WorkState.DONE,
        is_idle,
    )
    row = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        return False
    _close(row, WorkState.DONE)
    outcomes.record_taken(einvoice, row.provider, provider_status=einvoice.provider_status)
    return True


def settle(einvoice_id: int, *, taken: bool, reason: str, scope: Scope, actor: str) -> Einvoice:
    """Settle a doubt by the decision of a person who asked the provider.

    Args:
        taken: whether the provider has the e-invoice.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        AlreadySending: a sending is pending, so the hub itself still tries to find out.
        NotInDoubt: no sending was given up in doubt.
    """
    einvoice = find_for_update(einvoice_id, scope)
    row = sendings.find_doubtful(einvoice)
    if row is None:
        raise AlreadySending if sendings.is_being_sent(einvoice) else NotInDoubt
    _close(row, WorkState.DONE if taken else WorkState.FAILED)
    if taken:
        if einvoice.provider_status in outcomes.UNANSWERED:
            einvoice.provider_status = OwnWord.TAKEN.value
        outcomes.record_taken(einvoice, row.provider, taken=True, reason=reason)
    else:
        outcomes.record_not_taken(einvoice, reason=reason)
    audit.record("einvoice.doubt_settled", actor=actor, subject=f"einvoice:{einvoice.id}", taken=taken, reason=reason)
    return einvoice


def _close(row: EinvoiceSending, state: WorkState) -> None:
    """End a doubt; a worker that looks the sending up loses its claim."""
    row.state, row.in_doubt, row.claim_id, row.finished_at = state.value, False, None, clock.now()
    db.session.flush()


def _look_up_next() -> bool:
    with unit_of_work():
        claim = _claim_next()
    if claim is None:
        return False
    with unit_of_work():
        _show(claim)
    if not can_look_up(claim.provider, claim.request.lookup_url):
        return True
    try:
        response = look_up(claim.provider, claim.request)
    except ProviderRejected as error:  # the sending stays in doubt, and the next look-up is due
        log.warning("einvoice_not_looked_up", einvoice=claim.einvoice_id, error=str(error))
        return True
    with unit_of_work():
        _record(claim, response)
    return True


def _claim_next() -> _Claim | None:
    """Claim the next look-up.

    ``due_at`` of a failed sending is the end of its last lease: until then, the provider may still be storing it.
    """
    moment = clock.now()
    due = select(EinvoiceSending).where(sendings.is_doubtful(), work_queue.is_due(EinvoiceSending, moment))
    first = due.order_by(EinvoiceSending.due_at).limit(1).with_for_update(skip_locked=True)
    row = db.session.scalar(first.execution_options(populate_existing=True))
    if row is None:
        return None
    shortest, longest = _LOOK_UP_INTERVAL
    claim_id, age = uuid4(), moment - (row.finished_at or moment)
    row.claim_id, row.due_at = claim_id, moment + min(max(age, shortest), longest)
    request = sendings.build_request(row)
    return _Claim(claim_id, row.einvoice_id, row.provider, row.attempts, row.error or work_queue.WORKER_LOST, request)


def _show(claim: _Claim) -> None:
    """Show the doubt of a sending whose last worker was lost: nobody else has shown it."""
    einvoice = find_for_update(claim.einvoice_id, None)
    if einvoice.provider_status not in outcomes.UNANSWERED:
        settle_by_report(einvoice)
    elif einvoice.provider_status == OwnWord.QUEUED and sendings.find_doubtful(einvoice) is not None:
        outcomes.record_given_up(einvoice, claim.provider, claim.error, in_doubt=True)


def _record(claim: _Claim, response: ProviderResponse | None) -> None:
    einvoice = find_for_update(claim.einvoice_id, None)  # lock order: the e-invoice first
    if response is None:
        facts = {"for_good": True, "in_doubt": False}
        if work_queue.fail(EinvoiceSending, claim.id, claim.attempts, claim.error, **facts):
            outcomes.record_not_taken(einvoice, provider=claim.provider)
    elif work_queue.finish(EinvoiceSending, claim.id, in_doubt=False):
        outcomes.record_response(einvoice, claim.provider, response, looked_up=True)
    log.info("einvoice_looked_up", provider=claim.provider, found=response is not None)
