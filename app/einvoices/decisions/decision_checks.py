"""Checks of decisions: after a person settled a doubt, the hub asks the provider until its word is known.

A check never sends anything. It ends with the word of the provider, or after ``LONGEST_CHECK``. What contradicts the
decision, and what nobody could find out, is told to people until one of them decides again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from app.accounts import audit
from app.einvoices.events import NEEDS_ATTENTION, emit, record
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import CheckState, EinvoiceSending
from app.einvoices.providers import lanes, outcomes, sendings
from app.einvoices.providers.contract import ProviderResponse
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import OwnWord, Status
from app.extensions import db
from app.kernel import clock
from app.kernel.messages import N_
from app.kernel.worker.work_queue import WorkState

#: After this time the hub asks no more.
LONGEST_CHECK = timedelta(days=7)
#: The first look-up follows so long after the decision.
FIRST = timedelta(minutes=1)
#: Who contradicts a decision, in the audit trail.
ACTOR = "invoice-hub"
NOT_THERE = N_("The provider does not have the e-invoice, although a person decided that it has it.")
THERE = N_("The provider has the e-invoice, although a person decided that it does not have it.")
NO_WORD = N_("A person decided about the e-invoice, and its provider gave no clear answer for 7 days.")
OTHER_ADDRESS = N_("A person decided about the e-invoice, and its account was changed before the provider answered.")


def begin(row: EinvoiceSending) -> None:
    """Begin to check the decision that was just made about a sending."""
    row.check_state, row.due_at = CheckState.OPEN.value, clock.now() + FIRST


def is_open() -> ColumnElement[bool]:
    """Condition: the provider is still asked."""
    return EinvoiceSending.check_state == CheckState.OPEN


def find_disputed(einvoice: Einvoice) -> EinvoiceSending | None:
    """The newest sending of an e-invoice about which a person has to decide again."""
    query = select(EinvoiceSending).where(EinvoiceSending.einvoice_id == einvoice.id, sendings.is_disputed())
    newest = query.order_by(EinvoiceSending.id.desc()).limit(1)
    found: EinvoiceSending | None = db.session.scalar(newest.execution_options(populate_existing=True))
    return found


def is_over(decided_at: datetime | None) -> bool:
    """Whether the hub has asked long enough."""
    return decided_at is not None and clock.now() - decided_at >= LONGEST_CHECK


def record_answer(claim_id: UUID, einvoice_id: int, response: ProviderResponse | None, asked_at: datetime) -> None:
    """Record the clear answer of a provider; ``response`` is None if it does not have the e-invoice."""
    einvoice = find_for_update(einvoice_id, None)  # lock order: the e-invoice first
    row = _find_claimed(claim_id)
    if row is None:
        return
    if response is not None:
        _record_found(einvoice, row, response, asked_at)
    elif row.state == WorkState.DONE:
        dispute(einvoice, row, CheckState.CONTRADICTED, NOT_THERE)
    else:
        _end(row)
        record(einvoice, "decision_confirmed", taken=False)


def record_no_answer(claim_id: UUID, einvoice_id: int, error: str | None) -> None:
    """Give up the check of a decision: the provider never gave a clear answer."""
    einvoice = find_for_update(einvoice_id, None)
    row = _find_claimed(claim_id)
    if row is not None:
        dispute(einvoice, row, CheckState.UNCONFIRMED, NO_WORD, error=error)


def hear_report(einvoice: Einvoice, lane_id: int) -> None:
    """After a report of the provider of a lane: it has the e-invoice, so the checks of this lane end."""
    query = select(EinvoiceSending).where(
        EinvoiceSending.einvoice_id == einvoice.id,
        EinvoiceSending.lane_id == lane_id,
        EinvoiceSending.check_state.is_not(None),
    )
    for row in db.session.scalars(query.with_for_update().execution_options(populate_existing=True)):
        if row.state == WorkState.FAILED:
            row.state = WorkState.DONE.value
            dispute(einvoice, row, CheckState.CONTRADICTED, THERE)
        elif row.error != THERE and einvoice.provider_status != OwnWord.TAKEN:
            _end(row)


def end_of_lane(lane_id: int) -> None:
    """End the checks of an account that leads to another provider from now on: that one knows nothing of them."""
    ids = select(EinvoiceSending.einvoice_id).where(EinvoiceSending.lane_id == lane_id, is_open())
    for einvoice_id in db.session.scalars(ids.order_by(EinvoiceSending.einvoice_id)).all():
        einvoice = find_for_update(einvoice_id, None)
        query = select(EinvoiceSending).where(
            EinvoiceSending.einvoice_id == einvoice_id, EinvoiceSending.lane_id == lane_id, is_open()
        )
        for row in db.session.scalars(query.with_for_update().execution_options(populate_existing=True)):
            dispute(einvoice, row, CheckState.UNCONFIRMED, OTHER_ADDRESS)


def dispute(einvoice: Einvoice, row: EinvoiceSending, state: CheckState, reason: str, **facts: Any) -> None:
    """Tell people that a decision is contradicted or could not be checked; the own status stays."""
    row.check_state, row.error, row.claim_id = state.value, reason, None
    taken = reason != THERE if state == CheckState.CONTRADICTED else row.state == WorkState.DONE
    einvoice.updated_at = change_clock.stamp()
    entry = f"decision_{state}"
    record(einvoice, entry, reason=reason, taken=taken, **{name: fact for name, fact in facts.items() if fact})
    audit.record(
        f"einvoice.{entry}",
        actor=ACTOR,
        subject=f"einvoice:{einvoice.id}",
        owner_id=einvoice.owner_id,
        reason=reason,
        taken=taken,
    )
    emit(NEEDS_ATTENTION, einvoice, attention={"problem": state.value, "reason": reason})


def is_present(einvoice: Einvoice, row: EinvoiceSending) -> bool:
    """Whether the e-invoice is in force, and goes to the provider of this sending."""
    is_in_force = einvoice.status != Status.CANCELLED and einvoice.corrected_by_id is None
    return is_in_force and _is_same_way(einvoice, row)


def _record_found(einvoice: Einvoice, row: EinvoiceSending, response: ProviderResponse, asked_at: datetime) -> None:
    was_taken, row.state = row.state == WorkState.DONE, WorkState.DONE.value
    if was_taken:
        _end(row)
        outcomes.record_word(einvoice, response, asked_at)
        return
    db.session.flush()
    if is_present(einvoice, row):
        outcomes.record_response(einvoice, response, asked_at, since=asked_at, is_repeat=True, looked_up=True)
    elif _is_same_way(einvoice, row):
        outcomes.store_word(einvoice, response, asked_at)
    dispute(einvoice, row, CheckState.CONTRADICTED, THERE, provider_status=response.provider_status)


def _is_same_way(einvoice: Einvoice, row: EinvoiceSending) -> bool:
    return row.lane_id == (einvoice.provider_account_id or lanes.INSTALLATION)


def _find_claimed(claim_id: UUID) -> EinvoiceSending | None:
    query = select(EinvoiceSending).where(EinvoiceSending.claim_id == claim_id, is_open()).with_for_update()
    found: EinvoiceSending | None = db.session.scalar(query.execution_options(populate_existing=True))
    return found


def _end(row: EinvoiceSending) -> None:
    row.check_state, row.claim_id = None, None
    db.session.flush()
