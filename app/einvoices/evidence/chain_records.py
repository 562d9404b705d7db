"""Records of e-invoices in the chain of their owner: issue, later steps, and the bytes of each artefact.

Facts that everybody may see are in the record. What may contain personal data (names, reasons, words of a provider)
is sealed: the record has a salted hash of it, and the tables of the e-invoice have the content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.einvoices.models.einvoices import BUYER, Einvoice
from app.einvoices.models.series import EinvoiceSeries
from app.evidence import chain
from app.evidence.record_bytes import canonical
from app.extensions import db

ISSUED, ARTEFACT, REMOVED = "issued", "artefact", "removed"
#: Says only what the e-invoice is when the record is written: a worker of an earlier release issued it.
RECORDED_LATE = "recorded_late"
#: Kinds that state the issue of a document.
ISSUES = (ISSUED, RECORDED_LATE)
#: Entries of the history that are open facts; all others are sealed.
OPEN_FACTS = frozenset(
    {
        *("actor", "after", "applied", "before", "corrected_by_id", "correction_id", "einvoice_id", "grand_total"),
        *("invoice_no", "looked_up", "occurred_at", "provider", "provider_invoice_id", "provider_status", "taken"),
    }
)
#: ``pdf``, ``ubl-tr``, ``peppol-bis-3.0`` …
_FORMAT = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")
_DOCUMENT = ("invoice_no", "type", "currency", "issued_at", "issued_on", "original_id", "corrects_id")
_AMOUNTS = ("subtotal", "discount_total", "tax_total", "grand_total")
#: Facts that e-invoices of earlier releases do not have. The canonical form has the whole content of a legal document.
_LEGAL_FACTS = ("official_no", "uuid", "payable", "canonical_sha256")
_CONTENT = ("seller", "marketplace", "marketplace_order_no", "sales_invoice_no", "notes")
_LINE = (
    "line_no",
    "sku",
    "name",
    "quantity",
    "unit_price",
    "discount_amount",
    "vat_rate",
    "net",
    "vat_amount",
    "total",
)


def append_step(einvoice: Einvoice, kind: str, payload: Mapping[str, Any], source_id: int) -> None:
    """Record a step of an e-invoice that has its number; ``source_id`` is its row of the history."""
    facts = {name: value for name, value in payload.items() if name in OPEN_FACTS}
    if kind == ISSUED:
        facts |= issue_facts(einvoice)
        sealed: bytes | None = document_content(einvoice)
    else:
        sealed = sealed_content(payload)
    chain.append(chain.Record(einvoice.owner_id, kind, einvoice.id, facts, sealed, source_id))


def record_artefact(einvoice: Einvoice, file_format: str, sha256: str, size: int) -> None:
    """Record the bytes of a file that was made of an e-invoice; it takes the place of an earlier file of the format.

    Raises:
        ValueError: the format is no name of a folder, which it becomes in the package of a month.
    """
    if not _FORMAT.fullmatch(file_format):
        raise ValueError(f"no name of a format: {file_format!r}")
    facts = {"format": file_format, "sha256": sha256, "size": size}
    chain.append(chain.Record(einvoice.owner_id, ARTEFACT, einvoice.id, facts))


def issue_facts(einvoice: Einvoice) -> dict[str, Any]:
    """What the record of an issue states about the document for everybody."""
    facts = {name: getattr(einvoice, name) for name in (*_DOCUMENT, *_AMOUNTS)}
    legal = {name: getattr(einvoice, name) for name in _LEGAL_FACTS}
    facts |= {
        name: str(value) if isinstance(value, UUID) else value for name, value in legal.items() if value is not None
    }
    mark = {"is_test": True} if einvoice.is_test else {}
    return facts | {"issued_on": str(einvoice.issued_on), **mark}


def document_content(einvoice: Einvoice) -> bytes:
    """The whole document, with its personal data, as canonical bytes; the same again whenever it is read."""
    content = issue_facts(einvoice) | {name: getattr(einvoice, name) for name in _CONTENT}
    content["buyer"] = {name: getattr(einvoice, f"buyer_{name}") for name in BUYER}
    content["items"] = [{name: getattr(item, name) for name in _LINE} for item in einvoice.items]
    return canonical(content)


def sealed_content(payload: Mapping[str, Any]) -> bytes | None:
    """What an entry of the history says beyond its open facts, as canonical bytes; None if it says no more."""
    sealed = {name: value for name, value in payload.items() if name not in OPEN_FACTS}
    return canonical(sealed) if any(value is not None for value in sealed.values()) else None


def state_before(owner_id: int) -> Mapping[str, Any]:
    """What the first record of a chain states: the last number of each series. Earlier documents have no records."""
    columns = (EinvoiceSeries.prefix, EinvoiceSeries.year, EinvoiceSeries.last_number)
    query = select(*columns).where(EinvoiceSeries.owner_id == owner_id).order_by(*columns)
    return {"series": [dict(row) for row in db.session.execute(query).mappings()]}
