"""Sendings that wait for an account, and their end when the account is archived."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select

from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers import outcomes
from app.einvoices.queries.lookup import find_for_update
from app.extensions import db
from app.kernel import clock
from app.kernel.messages import N_
from app.kernel.worker.work_queue import WorkState

ARCHIVED = N_("The provider account was archived.")


def give_up(account_id: int) -> int:
    """End the sendings that wait for an account; returns their number.

    One that may have reached the provider stays in doubt. One that a worker is performing at this moment is in doubt
    too, and its response still settles it by the look-up or by a report.
    """
    return _give_up_where(EinvoiceSending.lane_id == account_id)


def give_up_late() -> int:
    """End the sendings that were queued while their account was being archived; returns their number."""
    archived = select(ProviderAccount.id).where(ProviderAccount.archived_at.is_not(None))
    return _give_up_where(EinvoiceSending.lane_id.in_(archived))


def _give_up_where(condition: ColumnElement[bool]) -> int:
    waiting = select(EinvoiceSending.einvoice_id).where(condition, EinvoiceSending.state == WorkState.PENDING)
    ids = db.session.scalars(waiting.order_by(EinvoiceSending.einvoice_id)).all()
    return sum(_give_up(einvoice_id) for einvoice_id in ids)


def _give_up(einvoice_id: int) -> bool:
    einvoice = find_for_update(einvoice_id, None)  # lock order: the e-invoice first
    query = select(EinvoiceSending).where(
        EinvoiceSending.einvoice_id == einvoice_id, EinvoiceSending.state == WorkState.PENDING
    )
    row = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        return False
    row.state, row.claim_id, row.error = WorkState.FAILED.value, None, ARCHIVED
    row.finished_at = clock.now()
    outcomes.record_given_up(einvoice, ARCHIVED, in_doubt=row.in_doubt)
    db.session.flush()
    return True
