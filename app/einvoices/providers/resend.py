"""Resend of failed sendings: the condition that finds them, and the action of an operator that retries them."""

from __future__ import annotations

import structlog
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from app.accounts import audit
from app.einvoices.lifecycle import issue
from app.einvoices.lifecycle.allowed_steps import may_be_sent
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.models.work import EinvoiceSending
from app.extensions import db
from app.kernel.errors import Conflict, Invalid
from app.kernel.worker.work_queue import WorkState

log = structlog.get_logger(__name__)
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
    """Retry failed sendings, oldest first, as far as each may be sent by itself; returns their number.

    An e-invoice is always sent under its own key, so a provider that received it earlier recognises the repeat. One in
    doubt is looked up first. What waits for a person (an account that is not ready, another e-invoice of the sale, a
    legal document that cannot be made) stays failed.
    """
    wanted = select(EinvoiceSending.einvoice_id).where(is_given_up(), _has_ready_account())
    wanted = wanted.order_by(EinvoiceSending.einvoice_id).limit(MAX_RESENT)
    count = sum(_send_again(einvoice_id, actor) for einvoice_id in db.session.scalars(wanted).all())
    audit.record("sendings.retried", actor=actor, subject="sendings:failed", count=count)
    return count


def _has_ready_account() -> ColumnElement[bool]:
    """Condition: the account of the e-invoice is ready, or it has none; ``draft_account.require_ready`` in SQL."""
    ready = exists().where(
        ProviderAccount.id == Einvoice.provider_account_id,
        ProviderAccount.enabled,
        ProviderAccount.test_passed.is_(True),
        ProviderAccount.archived_at.is_(None),
    )
    may_send = or_(Einvoice.provider_account_id.is_(None), ready)
    return exists().where(Einvoice.id == EinvoiceSending.einvoice_id, may_send)


def _send_again(einvoice_id: int, actor: str) -> bool:
    try:
        issue.send(einvoice_id, None, actor)
    except (Conflict, Invalid) as refused:
        log.info("einvoice_not_sent_again", einvoice=einvoice_id, reason=str(refused))
        return False
    return True
