"""Records of e-invoices that were issued without one: by a worker of an earlier release while the hub was updated."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import selectinload

from app.einvoices.evidence.chain_records import ISSUES, RECORDED_LATE, document_content, issue_facts
from app.einvoices.models.einvoices import Einvoice
from app.evidence import chain
from app.evidence.models import EvidenceEntry
from app.extensions import db


def append_missing(owner_id: int, day: date) -> None:
    """Append records of e-invoices of a day (in UTC) that were issued since the chain began and have no record."""
    start = datetime.combine(day, time(), UTC)
    begun = select(EvidenceEntry.at).where(EvidenceEntry.owner_id == owner_id, EvidenceEntry.position == 1)
    recorded = exists().where(EvidenceEntry.einvoice_id == Einvoice.id, EvidenceEntry.kind.in_(ISSUES))
    query = select(Einvoice).where(
        Einvoice.owner_id == owner_id,
        Einvoice.issued_at >= start,
        Einvoice.issued_at < start + timedelta(days=1),
        Einvoice.issued_at > begun.scalar_subquery(),
        ~recorded,
    )
    for einvoice in db.session.scalars(query.options(selectinload(Einvoice.items)).order_by(Einvoice.number)):
        content = document_content(einvoice)
        chain.append(chain.Record(owner_id, RECORDED_LATE, einvoice.id, issue_facts(einvoice), content))
