"""Sendings of an e-invoice: queue one under the key of its content, and find a pending one."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoiceSending
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import after_commit
from app.kernel.uuids import new_uuid
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.work_queue import WorkState

trigger_sender = DebouncedTask("einvoices.send")


def queue(einvoice: Einvoice) -> None:
    """Queue a sending; a worker performs it.

    The content does not change after the issue, so every sending of an e-invoice has the same idempotency key: a
    provider that stored it, and whose answer was lost, recognises the repeat.
    """
    db.session.add(
        EinvoiceSending(
            einvoice_id=einvoice.id,
            provider=einvoice.provider,
            key=_key(einvoice),
            state=WorkState.PENDING.value,
            due_at=clock.now(),
        )
    )
    after_commit(trigger_sender)


def is_being_sent(einvoice: Einvoice) -> bool:
    """Whether a sending to the provider is pending."""
    pending = select(EinvoiceSending.id).where(
        EinvoiceSending.einvoice_id == einvoice.id, EinvoiceSending.state == WorkState.PENDING
    )
    return db.session.scalar(pending) is not None


def _key(einvoice: Einvoice) -> uuid.UUID:
    earlier = select(EinvoiceSending.key).where(EinvoiceSending.einvoice_id == einvoice.id)
    known: uuid.UUID | None = db.session.scalar(earlier.order_by(EinvoiceSending.id).limit(1))
    return known or new_uuid()
