"""Resend of failed sendings: the condition that finds them, and the action of an operator that retries them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import aliased

from app.accounts import audit
from app.einvoices.events import record
from app.einvoices.lifecycle.allowed_steps import may_be_sent
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers.sendings import trigger_sender
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import OwnWord
from app.extensions import db
from app.kernel.unit_of_work import after_commit
from app.kernel.worker import work_queue
from app.kernel.worker.work_queue import WorkState

#: Sendings that one action retries; the others stay failed until the next action.
MAX_RESENT = 500


def is_given_up() -> ColumnElement[bool]:
    """Condition: the sending failed finally, no later sending exists, and the e-invoice may be sent."""
    later = aliased(EinvoiceSending)
    return and_(
        EinvoiceSending.state == WorkState.FAILED,
        ~exists().where(later.einvoice_id == EinvoiceSending.einvoice_id, later.id > EinvoiceSending.id),
        exists().where(Einvoice.id == EinvoiceSending.einvoice_id, may_be_sent()),
    )


def resend_given_up(*, actor: str) -> int:
    """Retry failed sendings, oldest first; returns their number.

    Each sending keeps its idempotency key, so a provider that received it earlier recognises the repeat. A sending in
    doubt is looked up first.
    """
    wanted = (
        select(EinvoiceSending.einvoice_id).where(is_given_up()).order_by(EinvoiceSending.einvoice_id).limit(MAX_RESENT)
    )
    count = sum(_send_again(einvoice_id) for einvoice_id in db.session.scalars(wanted).all())
    audit.record("sendings.retried", actor=actor, subject="sendings:failed", count=count)
    after_commit(trigger_sender)
    return count


def _send_again(einvoice_id: int) -> bool:
    # Lock order: the e-invoice first. Another process may have sent or retried it in the meantime.
    einvoice = find_for_update(einvoice_id, None)
    row = db.session.scalar(select(EinvoiceSending).where(EinvoiceSending.einvoice_id == einvoice_id, is_given_up()))
    if row is None:
        return False
    for name, value in work_queue.reset_values().items():
        setattr(row, name, value)
    einvoice.provider_status, einvoice.updated_at = OwnWord.QUEUED.value, change_clock.stamp()
    record(einvoice, "queued", provider=einvoice.provider)
    db.session.flush()
    return True
