"""The documents of a package in batches: rows of the list, sums of VAT, files, and records outside of its part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import PurePosixPath
from typing import IO, Any

import structlog
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import aliased, joinedload

from app.einvoices.documents import written_documents
from app.einvoices.evidence.chain_records import ARTEFACT, ISSUES, REMOVED
from app.einvoices.exports.month_scope import MonthScope
from app.einvoices.models.einvoices import Einvoice, EinvoiceItem
from app.einvoices.status import Status
from app.evidence import proofs
from app.evidence.models import EvidenceEntry
from app.evidence.offline.chain_check import DOCUMENTS
from app.evidence.record_bytes import decimal_text
from app.extensions import db
from app.kernel import clock
from app.kernel.storage.stores import file_store
from app.kernel.text.csv_formulas import guard_formulas
from app.kernel.unit_of_work import commit_early

log = structlog.get_logger(__name__)
#: Documents of a transaction; as many files are open at a time.
BATCH_SIZE = 40
COLUMNS = (
    *("id", "invoice_no", "type", "status", "issued_on", "issued_at", "currency"),
    *("subtotal", "discount_total", "tax_total", "grand_total", "buyer_name", "buyer_tax_id"),
    *("original_no", "corrected", "marketplace_order_no", "provider_status", "provider_invoice_id", "pdf_state"),
    "is_test",
)
#: Kinds of records that a verifier needs of every document, wherever they stand in the chain.
_NEEDED = (*ISSUES, ARTEFACT, Status.CANCELLED.value, "corrected", "correction_cancelled", REMOVED)

VatKey = tuple[str, str, Decimal]


@dataclass(slots=True)
class Batch:
    """Some documents: rows of ``COLUMNS``, their paths in the store and their open files by name, and proven records
    outside of the part.
    """

    rows: list[list[Any]] = field(default_factory=list)
    paths: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, IO[bytes]]] = field(default_factory=list)
    further: list[proofs.ProvenRecord] = field(default_factory=list)
    #: Positions of those of them that state an issue.
    further_issues: list[int] = field(default_factory=list)
    vat: dict[VatKey, list[Decimal]] = field(default_factory=dict)


def read_batches(app: Flask, scope: MonthScope) -> Iterator[Batch]:
    """Read the documents; each batch is a short transaction, and its files are closed when the next one is read."""
    for start in range(0, len(scope.ids), BATCH_SIZE):
        with ExitStack() as opened:
            with app.app_context():
                batch = _read(scope, scope.ids[start : start + BATCH_SIZE])
                commit_early()
                _open_files(batch, opened)
            yield batch


def _open_files(batch: Batch, opened: ExitStack) -> None:
    """Open the files; one that is missing is left out, and the verifier says so."""
    store = file_store()
    for name, path in batch.paths:
        try:
            batch.files.append((name, opened.enter_context(store.snapshot(path))))
        except FileNotFoundError:
            log.error("package_file_missing", path=path)  # noqa: TRY400 - the path says it


def _read(scope: MonthScope, ids: Sequence[int]) -> Batch:
    batch, original = Batch(), aliased(Einvoice)
    query = select(Einvoice, original.invoice_no).outerjoin(original, original.id == Einvoice.original_id)
    query = query.where(Einvoice.id.in_(ids)).options(joinedload(Einvoice.pdf))
    found = {einvoice.id: (einvoice, number) for einvoice, number in db.session.execute(query)}
    for einvoice, original_no in (found[each] for each in ids if each in found):
        batch.rows.append(_row(einvoice, original_no))
        if einvoice.pdf is not None and einvoice.pdf.path is not None:
            batch.paths.append((f"pdf/{einvoice.invoice_no}.pdf", einvoice.pdf.path))
    for document in written_documents.list_newest(ids):
        suffix = PurePosixPath(document.path).suffix
        name = f"{DOCUMENTS}{document.format}/{found[document.einvoice_id][0].invoice_no}{suffix}"
        batch.paths.append((name, document.path))
    entries = _further(scope, ids)
    batch.further = [_as_of(scope, record) for record in proofs.prove(entries)]
    batch.further_issues = [entry.position for entry in entries if entry.kind in ISSUES]
    batch.vat = _vat(ids)
    return batch


def _as_of(scope: MonthScope, record: proofs.ProvenRecord) -> proofs.ProvenRecord:
    """The record without a proof if its day got its root after the package was begun: the package has no such root."""
    last_day = scope.part.last_day
    is_newer = record.proof is not None and (last_day is None or record.proof.day > last_day)
    return replace(record, proof=None) if is_newer else record


def _row(einvoice: Einvoice, original_no: str | None) -> list[Any]:
    texts = {
        "issued_at": clock.iso(einvoice.issued_at) if einvoice.issued_at else "",
        "original_no": original_no,
        "corrected": "yes" if einvoice.corrected_by_id else "",
        "is_test": "yes" if einvoice.is_test else "",
    }
    return [_cell(texts[name] if name in texts else getattr(einvoice, name)) for name in COLUMNS]


def _cell(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    return guard_formulas(value) if isinstance(value, str) else value


def _further(scope: MonthScope, ids: Sequence[int]) -> Sequence[EvidenceEntry]:
    """Records of documents, and the first of the chain, that the part of the chain does not have."""
    needed = EvidenceEntry.einvoice_id.in_(ids) & EvidenceEntry.kind.in_(_NEEDED)
    if ids[0] == scope.ids[0]:
        needed |= EvidenceEntry.position == 1
    outside = ~EvidenceEntry.position.between(scope.part.first, scope.part.last)
    query = select(EvidenceEntry).where(EvidenceEntry.owner_id == scope.owner_id, needed, outside)
    found: Sequence[EvidenceEntry] = db.session.scalars(query.order_by(EvidenceEntry.position)).all()
    return found


def _vat(ids: Sequence[int]) -> dict[VatKey, list[Decimal]]:
    """Net, VAT and total by currency, type and rate of the legal documents that are in force."""
    keys = (Einvoice.currency, Einvoice.type, EinvoiceItem.vat_rate)
    sums = (func.sum(EinvoiceItem.net), func.sum(EinvoiceItem.vat_amount), func.sum(EinvoiceItem.total))
    in_force = (Einvoice.status != Status.CANCELLED, Einvoice.corrected_by_id.is_(None), ~Einvoice.is_test)
    query = select(*keys, *sums).join(EinvoiceItem, EinvoiceItem.einvoice_id == Einvoice.id)
    rows = db.session.execute(query.where(Einvoice.id.in_(ids), *in_force).group_by(*keys))
    return {(currency, kind, rate): amounts for currency, kind, rate, *amounts in rows}
