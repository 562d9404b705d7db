"""Legal documents of issued e-invoices: each is written from the canonical form when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.accounts.ownership import Scope
from app.einvoices.documents import written_documents
from app.einvoices.documents.frozen_forms import canonical_of
from app.einvoices.documents.written_documents import NewDocument
from app.einvoices.errors import DocumentNotReady, DocumentNotWritable, NoLegalDocument
from app.einvoices.evidence import removals
from app.einvoices.models.documents import EinvoiceDocument, Origin
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.pdf import print_job
from app.einvoices.queries.lookup import find
from app.formats.canonical import Format, Invoice
from app.formats.canonical_json import sha256
from app.formats.document_reader import Source
from app.formats.legal_format import LegalFormat
from app.formats.targets.not_writable import NotWritable
from app.formats.writers.document_writer import WrittenDocument, form_of, write_document
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.work_queue import WorkState
from app.pdf import files
from app.pdf.files import StoredPdf
from app.rules.document_check import check_document
from app.rules.sums.exact import verdict

#: Lines of an invoice that a request writes and checks; a longer one is written by a worker.
MOST_LINES = 50


@dataclass(frozen=True, slots=True)
class Available:
    """A format, the problems that keep the hub from writing it, and the newest document of it."""

    format: LegalFormat
    problems: tuple[dict[str, str], ...]
    document: EinvoiceDocument | None


def list_formats(einvoice_id: int, scope: Scope) -> list[Available]:
    """All formats of an issued e-invoice.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        NoLegalDocument: it is a draft.
    """
    einvoice = _issued(einvoice_id, scope)
    form = canonical_of(einvoice)
    stored = {each.format: each for each in written_documents.list_newest([einvoice.id])}
    return [Available(each, tuple(problems_of(form, each)), stored.get(each)) for each in LegalFormat]


def formats_of(einvoice_id: int, scope: Scope) -> list[Available]:
    """As ``list_formats``; none for a draft. Call it before the e-invoice is loaded with its history."""
    try:
        return list_formats(einvoice_id, scope)
    except NoLegalDocument:
        return []


def find_or_write(einvoice_id: int, wanted: LegalFormat, scope: Scope) -> EinvoiceDocument | None:
    """The newest document of a format, written now if its file is missing or damaged; None if a worker has to do it.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        NoLegalDocument: it is a draft.
        DocumentNotWritable: the format cannot say what it says.
        DocumentNotReady: its print has failed, so that there is no hybrid PDF.
    """
    einvoice = _issued(einvoice_id, scope)
    found = written_documents.latest(einvoice, wanted.value)
    if found is not None and files.is_whole(found.path, found.sha256):
        return found
    form = canonical_of(einvoice)
    if problems := list(problems_of(form, wanted)):
        raise DocumentNotWritable(_by_field(problems))
    if wanted is LegalFormat.FACTUR_X and einvoice.pdf_state == WorkState.FAILED:
        raise DocumentNotReady(WorkState.FAILED)
    if wanted is LegalFormat.FACTUR_X or len(form.lines) > MOST_LINES:
        return None
    return written_documents.store(einvoice_id, _new(form, wanted, write_document(form, Format(wanted))))


def write(einvoice_id: int, wanted: LegalFormat) -> int:
    """Write a document in a worker, unless the hub has written one whose file is whole; return the id of the newest.

    No transaction is open while it is printed and checked.

    Raises:
        NoLegalDocument: it is a draft, or its personal data was removed.
        NotWritable: the format cannot say what it says.
    """
    from app.einvoices.pdf import hybrid_print  # noqa: PLC0415 - WeasyPrint: only workers print

    with unit_of_work():
        found = written_documents.latest(_issued(einvoice_id, None), wanted.value, Origin.HUB)
        if found is not None and files.is_whole(found.path, found.sha256):
            return found.id
        einvoice, data = print_job.read_context(einvoice_id, hybrid_print.archive_logo)
        form, moment = canonical_of(einvoice), einvoice.issued_at
    is_hybrid = wanted is LegalFormat.FACTUR_X
    written = write_document(form, Format.CII if is_hybrid else Format(wanted))
    pdf = hybrid_print.print_factur_x(data, written.content, moment) if is_hybrid and moment else None
    new = _new(form, wanted, written, pdf)
    with unit_of_work():
        return written_documents.store(einvoice_id, new).id


def stored_file(einvoice_id: int, row: EinvoiceDocument, scope: Scope) -> StoredPdf:
    """The file of a document for a download, named by the number of its e-invoice.

    Raises:
        NoLegalDocument: the file is missing.
    """
    einvoice = find(einvoice_id, scope, items=False)
    found = files.find_file(row.path, row.sha256, written_documents.file_name(einvoice, row))
    if found is None:
        raise NoLegalDocument
    return found


def _issued(einvoice_id: int, scope: Scope) -> Einvoice:
    einvoice = find(einvoice_id, scope, items=False)
    if einvoice.issued_at is None or einvoice.buyer_name == removals.NAMELESS:
        raise NoLegalDocument
    return einvoice


def problems_of(form: Invoice, wanted: LegalFormat) -> Sequence[dict[str, str]]:
    """What keeps the hub from writing a form in a format, with the fields of the canonical form."""
    target = Format.CII if wanted is LegalFormat.FACTUR_X else Format(wanted)
    try:
        form_of(form, target)
    except NotWritable as error:
        return [{"field": each.field, "message": each.message} for each in error.problems]
    return []


def _by_field(problems: Sequence[dict[str, str]]) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    for each in problems:
        errors.setdefault(each["field"], []).append(each["message"])
    return errors


def _new(form: Invoice, wanted: LegalFormat, written: WrittenDocument, pdf: bytes | None = None) -> NewDocument:
    """The document with what rules and sums say about it."""
    check, sums = check_document(Source(written.content)), verdict(written.form)
    return NewDocument(
        format=wanted.value,
        media_type=written_documents.PDF if pdf else written.media_type,
        content=pdf or written.content,
        canonical_sha256=sha256(form),
        verdict={
            "valid": check.is_valid,
            "exact": sums.is_exact,
            "rule": sums.rule,
            "rule_sets": [
                {"name": each.name, "version": each.version, "sha256": each.sha256} for each in check.rule_sets
            ],
            "findings": [
                {"rule": each.rule, "severity": each.severity.value, "message": each.message} for each in check.findings
            ],
        },
    )
