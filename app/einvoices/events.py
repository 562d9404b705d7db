"""What e-invoices announce: the object of the e-invoice document's sample, and the metadata of the client."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app import events
from app.einvoices.models.einvoices import Einvoice, EinvoiceEvent
from app.einvoices.schemas.einvoices import EinvoiceTotalsSchema
from app.einvoices.status import Status, Type
from app.extensions import db
from app.kernel import clock
from app.kernel.schemas.fields import Choice, Schema, Timestamp


class AnnouncedSchema(Schema):
    """An e-invoice as events carry it."""

    id = fields.Integer()
    status = Choice(*Status)
    type = Choice(*Type)
    invoice_no = fields.String(allow_none=True)
    issued_at = Timestamp(allow_none=True)
    totals = fields.Nested(EinvoiceTotalsSchema)
    marketplace = fields.String(allow_none=True)
    order_no = fields.String(attribute="marketplace_order_no", allow_none=True)
    provider = fields.String()
    provider_status = fields.String(allow_none=True)
    provider_invoice_id = fields.String(allow_none=True)
    original_id = fields.Integer(allow_none=True)
    extra = fields.Raw(data_key="metadata", allow_none=True)
    updated_at = Timestamp()


#: The hub's own word where a provider's stands later: it waits to be carried there.
QUEUED = "queued"


def _define(happened: str, description: str) -> events.EventType:
    return events.define(f"einvoice.{happened}", AnnouncedSchema, description, key="einvoice")


CREATED = _define("created", "A draft was made.")
ISSUED = _define("issued", "An e-invoice got its number and its date.")
SENT = _define("sent", "The provider took an e-invoice.")
STATUS_CHANGED = _define("status_changed", "The status, or the provider's, of an e-invoice changed.")
CANCELLED = _define("cancelled", "An e-invoice was cancelled.")
RETURN_CREATED = _define("return_created", "A return for an e-invoice was drafted.")
CREDIT_NOTE_CREATED = _define("credit_note_created", "A credit note for an e-invoice was drafted.")


def emit_and_record(event: events.EventType, einvoice: Einvoice, **payload: Any) -> None:
    """Tell everybody, and write it into the e-invoice's own history."""
    record(einvoice, event.name.removeprefix("einvoice."), **payload)
    emit(event, einvoice)


def emit(event: events.EventType, einvoice: Einvoice) -> None:
    """Tell everybody; the e-invoice's own history was written otherwise."""
    user = {"id": einvoice.owner_id}
    events.emit(event, einvoice, subject_id=einvoice.id, owner_id=einvoice.owner_id, user=user)


def record(einvoice: Einvoice, kind: str, **payload: Any) -> None:
    """Write into the e-invoice's own history alone."""
    db.session.add(EinvoiceEvent(einvoice_id=einvoice.id, type=kind, payload=payload, created_at=clock.now()))
    db.session.flush()
