"""Attempts to deliver events of e-invoices, as records in the chain of the owner of the e-invoice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.events.models import Event
from app.evidence import chain
from app.evidence.record_bytes import canonical
from app.extensions import db
from app.webhooks.sender.attempt import AttemptResult

DELIVERY = "delivery"
#: Events with this prefix are about an e-invoice.
_EINVOICES = "einvoice."


def append_deliveries(results: Sequence[AttemptResult]) -> None:
    """Record what was sent, to which endpoint, and how it answered; the text of the answer is sealed."""
    of_einvoices = [result for result in results if result.claim.event.startswith(_EINVOICES)]
    if not of_einvoices:
        return
    columns = (Event.position, Event.owner_id, Event.subject_id)
    query = select(*columns).where(Event.position.in_({result.claim.position for result in of_einvoices}))
    events = {row.position: row for row in db.session.execute(query)}
    for result in of_einvoices:
        event = events.get(result.claim.position)
        if event is not None and event.owner_id is not None:
            answer = canonical({"answer": result.response.body}) if result.response.body else None
            chain.append(chain.Record(event.owner_id, DELIVERY, event.subject_id, _facts(result), answer))


def _facts(result: AttemptResult) -> dict[str, Any]:
    claim, response = result.claim, result.response
    return {
        "attempt": claim.attempt,
        "body_sha256": hashlib.sha256(claim.body.encode()).hexdigest(),
        "delivered": response.is_success,
        "endpoint": claim.endpoint_id,
        "event": claim.event,
        "event_id": str(claim.event_id),
        "status": response.status,
    }
