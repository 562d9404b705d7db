"""Events of e-invoices: their definitions, their payload, and the functions that emit and record them.

The payload is the object of the sample in the e-invoice document, with the client's metadata.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app import events
from app.accounts import audit
from app.einvoices.evidence import chain_records
from app.einvoices.models.documents import EinvoiceDocument
from app.einvoices.models.einvoices import Einvoice, EinvoiceEvent
from app.einvoices.schemas.einvoices import EinvoiceTotalsSchema
from app.einvoices.status import Status, Type
from app.extensions import db
from app.kernel import clock
from app.kernel.outbound.public_address import public_url
from app.kernel.schemas.fields import Choice, Metadata, Schema, Timestamp


class AnnouncedSchema(Schema):
    """An e-invoice in the payload of an event."""

    id = fields.Integer()
    status = Choice(*Status)
    type = Choice(*Type)
    invoice_no = fields.String(allow_none=True)
    is_test = fields.Boolean()
    issued_at = Timestamp(allow_none=True)
    totals = fields.Nested(EinvoiceTotalsSchema)
    marketplace = fields.String(allow_none=True)
    order_no = fields.String(attribute="marketplace_order_no", allow_none=True)
    provider = fields.String()
    provider_status = fields.String(allow_none=True)
    provider_invoice_id = fields.String(allow_none=True)
    original_id = fields.Integer(allow_none=True)
    corrects_id = fields.Integer(allow_none=True)
    corrected_by_id = fields.Integer(allow_none=True)
    extra = Metadata(data_key="metadata", allow_none=True)
    updated_at = Timestamp()


def _define(name: str, description: str) -> events.EventType:
    return events.define(f"einvoice.{name}", AnnouncedSchema, description, key="einvoice", ability="einvoices:read")


CREATED = _define("created", "A draft was created.")
ISSUED = _define("issued", "An e-invoice got its number and its date.")
SENT = _define("sent", "The provider received an e-invoice.")
STATUS_CHANGED = _define("status_changed", "The status or the provider status of an e-invoice changed.")
CANCELLED = _define("cancelled", "An e-invoice was cancelled.")
RETURN_CREATED = _define("return_created", "A return for an e-invoice was drafted.")
CREDIT_NOTE_CREATED = _define("credit_note_created", "A credit note for an e-invoice was drafted.")
NEEDS_ATTENTION = _define(
    "needs_attention",
    "The provider contradicted a person's decision about an e-invoice, never confirmed it, or accepted what was "
    "cancelled or corrected.",
)
PDF_READY = _define("pdf_ready", "The PDF of an e-invoice was created, or replaced by one with other content.")
DOCUMENT_READY = _define("document_ready", "A document of an e-invoice in a legal format was written or returned.")
#: Of a document in the payload: what a receiver needs to fetch it and to trust it.
_DOCUMENT_FACTS = ("format", "version", "origin", "media_type", "sha256", "size")


def emit_and_record(event: events.EventType, einvoice: Einvoice, **payload: Any) -> None:
    """Emit an event to subscribers, and record it in the history of the e-invoice."""
    record(einvoice, event.name.removeprefix("einvoice."), **payload)
    emit(event, einvoice)


def record_step(
    step: str, einvoice: Einvoice, actor: str, event: events.EventType | None = None, /, **facts: Any
) -> None:
    """Record a step in the history and in the audit trail, both with who took it; emit its event, if it has one."""
    record(einvoice, step, actor=actor, **facts)
    owner_id = einvoice.owner_id
    audit.record(f"einvoice.{step}", actor=actor, subject=f"einvoice:{einvoice.id}", owner_id=owner_id, **facts)
    if event is not None:
        emit(event, einvoice)


def emit(event: events.EventType, einvoice: Einvoice, **context: Any) -> None:
    """Emit an event to subscribers without an entry in the history of the e-invoice."""
    user = {"id": einvoice.owner_id}
    events.emit(event, einvoice, subject_id=einvoice.id, owner_id=einvoice.owner_id, user=user, **context)


def announce_pdf(einvoice: Einvoice, sha256: str, size: int) -> None:
    """Record its bytes, and emit that the PDF is there: its address, its hash (the ``ETag``) and its size in bytes."""
    chain_records.record_artefact(einvoice, "pdf", sha256, size)
    emit(PDF_READY, einvoice, pdf={"url": public_url(einvoice.pdf_url or ""), "sha256": sha256, "size": size})


def announce_document(einvoice: Einvoice, document: EinvoiceDocument) -> None:
    """Record its bytes, and emit that the document is there, with its address and what rules and sums say of it."""
    chain_records.record_artefact(einvoice, document.format, document.sha256, document.size)
    facts = {name: getattr(document, name) for name in _DOCUMENT_FACTS}
    url = public_url(f"/api/v1/einvoices/{einvoice.id}/documents/{document.format}")
    said = {name: (document.verdict or {}).get(name) for name in ("valid", "exact")}
    emit(DOCUMENT_READY, einvoice, document={"url": url, **facts, **said})


def record(einvoice: Einvoice, kind: str, **payload: Any) -> None:
    """Record an entry in the history of the e-invoice without an event for subscribers.

    Once it has its number, the entry goes into the chain of its owner too.
    """
    entry = EinvoiceEvent(einvoice_id=einvoice.id, type=kind, payload=payload, created_at=clock.now())
    db.session.add(entry)
    db.session.flush()
    if einvoice.number is not None:
        chain_records.append_step(einvoice, kind, payload, entry.id)
