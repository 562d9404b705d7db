"""Removal of personal data after its time: the chain stays valid and says what was removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from app.accounts import audit
from app.einvoices.documents import written_documents
from app.einvoices.evidence.chain_records import ARTEFACT, OPEN_FACTS, REMOVED
from app.einvoices.models.einvoices import BUYER_TEXTS, Einvoice, EinvoiceEvent
from app.einvoices.models.work import EinvoicePdf
from app.einvoices.providers import sendings
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.evidence import chain
from app.evidence.models import EvidenceEntry
from app.extensions import db
from app.kernel import json
from app.kernel.worker.work_queue import WorkState
from app.pdf import files

#: The name of a buyer whose data was removed.
NAMELESS = "-"
_AMOUNTS_OF_ALLOWANCE = ("is_charge", "amount", "vat_rate")


def find_expired(before: datetime) -> Sequence[int]:
    """Ids of the e-invoices that were issued before a moment and have personal data."""
    issued = (Einvoice.number.is_not(None), Einvoice.issued_at < before, Einvoice.buyer_name != NAMELESS)
    return list(db.session.scalars(select(Einvoice.id).where(*issued).order_by(Einvoice.id)))


def remove_personal_data(einvoice_id: int, reason: str, actor: str) -> bool:
    """Remove buyer, notes, free texts, PDF and other documents of an issued e-invoice; numbers, dates and amounts stay.

    Returns:
        False, with nothing removed, while a sending to its provider is pending or in doubt.
    """
    einvoice = find_for_update(einvoice_id, None)
    if sendings.is_open(einvoice):
        return False
    for name in BUYER_TEXTS:
        setattr(einvoice, f"buyer_{name}", NAMELESS if name == "name" else "")
    einvoice.notes, einvoice.reason, einvoice.extra = "", "", None
    einvoice.buyer_legal = None
    amounts = [{name: row[name] for name in _AMOUNTS_OF_ALLOWANCE} for row in einvoice.allowances]
    einvoice.legal = {"allowances": amounts} if amounts else None
    einvoice.updated_at = change_clock.stamp()
    for event in db.session.scalars(select(EinvoiceEvent).where(EinvoiceEvent.einvoice_id == einvoice_id)):
        event.payload = {name: value for name, value in event.payload.items() if name in OPEN_FACTS}
    _remove_file(einvoice_id)
    written_documents.remove_all(einvoice_id)
    _append_removals(einvoice, reason)
    subject, owner_id = f"einvoice:{einvoice_id}", einvoice.owner_id
    audit.record("einvoice.personal_data_removed", actor=actor, subject=subject, owner_id=owner_id, reason=reason)
    return True


def _remove_file(einvoice_id: int) -> None:
    pdf = db.session.get(EinvoicePdf, einvoice_id, with_for_update=True, populate_existing=True)
    if pdf is None:
        return
    if pdf.path:
        files.remove_after_commit(pdf.path)
    # A worker that is rendering it loses its claim.
    pdf.path, pdf.sha256, pdf.state, pdf.claim_id = None, None, WorkState.DONE.value, None


def _append_removals(einvoice: Einvoice, reason: str) -> None:
    """Record each file and each sealed content that is removed; without its salt no content can be guessed."""
    query = select(EvidenceEntry).where(EvidenceEntry.einvoice_id == einvoice.id).order_by(EvidenceEntry.position)
    for entry in db.session.scalars(query):
        facts: dict[str, object] = {}
        if entry.kind == ARTEFACT:
            stated = json.decode(entry.body)["facts"]
            facts = {name: stated[name] for name in ("format", "sha256")}
        elif entry.salt is not None:
            facts = {"position": entry.position}
        if facts:
            chain.append(chain.Record(einvoice.owner_id, REMOVED, einvoice.id, {**facts, "reason": reason}))
    db.session.execute(update(EvidenceEntry).where(EvidenceEntry.einvoice_id == einvoice.id).values(salt=None))
