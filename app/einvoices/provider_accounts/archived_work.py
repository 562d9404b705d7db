"""End of the sendings that wait for archived accounts: one transaction each, so that a sweep can be ended anywhere."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select

from app.einvoices.models.provider_accounts import WAITING_REASONS, AccountState, ProviderAccount
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers import outcomes
from app.einvoices.queries.lookup import find_for_update
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.work_queue import WorkState

ARCHIVED = WAITING_REASONS[AccountState.ARCHIVED]
#: Sendings that one query finds, and the seconds in which a sweep begins further ones.
BATCH, SWEEP_SECONDS = 200, 15.0
trigger_sweep = DebouncedTask("einvoices.end_archived")


def give_up_archived() -> int:
    """End the sendings that wait for an archived account; return their number.

    One that may have reached the provider stays in doubt. One that a worker is performing at this moment is left to its
    response, and to the next sweep. What is left when the time is over is left to the next sweep too.
    """
    count, ends_at = 0, time.monotonic() + SWEEP_SECONDS
    while time.monotonic() < ends_at and (ids := _find_batch()):
        for einvoice_id in ids:
            with unit_of_work():
                count += _give_up(einvoice_id)
            if time.monotonic() >= ends_at:
                trigger_sweep()
                break
    return count


def _find_batch() -> Sequence[int]:
    with unit_of_work():
        waiting = select(EinvoiceSending.einvoice_id).where(_waits_in_vain()).order_by(EinvoiceSending.id)
        ids: Sequence[int] = db.session.scalars(waiting.limit(BATCH)).all()
        return ids


def _waits_in_vain() -> ColumnElement[bool]:
    """Condition: the sending waits for an archived account, and no worker is performing it."""
    archived = select(ProviderAccount.id).where(ProviderAccount.archived_at.is_not(None))
    is_free = or_(EinvoiceSending.claim_id.is_(None), EinvoiceSending.due_at <= clock.now())
    return and_(EinvoiceSending.state == WorkState.PENDING, EinvoiceSending.lane_id.in_(archived), is_free)


def _give_up(einvoice_id: int) -> bool:
    einvoice = find_for_update(einvoice_id, None)  # lock order: the e-invoice first
    query = select(EinvoiceSending).where(EinvoiceSending.einvoice_id == einvoice_id, _waits_in_vain())
    row = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        return False
    row.state, row.claim_id, row.error = WorkState.FAILED.value, None, ARCHIVED
    row.finished_at = clock.now()
    outcomes.record_given_up(einvoice, ARCHIVED, in_doubt=row.in_doubt)
    db.session.flush()
    return True
