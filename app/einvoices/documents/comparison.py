"""``compare()``: an issued e-invoice in all legal formats side by side, with what rules and sums say of each."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lxml import etree

from app.accounts.ownership import Scope
from app.einvoices.documents import legal_documents
from app.einvoices.documents.frozen_forms import canonical_of
from app.einvoices.documents.legal_documents import MOST_LINES
from app.einvoices.models.documents import EinvoiceDocument
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.queries.lookup import find
from app.formats.canonical import DOCUMENT_FORMATS, Invoice
from app.formats.document_reader import Source
from app.formats.legal_format import LegalFormat
from app.formats.targets.not_writable import NotWritable, Problem
from app.formats.writers.document_writer import JSON, WrittenDocument, form_of, write_document
from app.rules.document_check import Check, check_document
from app.rules.sums.exact import Verdict, verdict


@dataclass(frozen=True, slots=True)
class Column:
    """One format of the e-invoice.

    Attributes:
        form: what the document says; None if the format cannot say the e-invoice.
        text: the document itself; None if it is too long for a page.
        check: what the rules say of it.
        sums: whether each sum follows.
        stored: the newest document of the format, with its official check; None if nobody asked for it yet.
    """

    format: LegalFormat
    problems: tuple[Problem, ...] = ()
    form: Invoice | None = None
    text: str | None = None
    check: Check | None = None
    sums: Verdict | None = None
    stored: EinvoiceDocument | None = None


def compare(einvoice_id: int, scope: Scope) -> tuple[Einvoice, list[Column]]:
    """The e-invoice and its formats. Factur-X is CII in a PDF, and has no column of its own.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        NoLegalDocument: it is a draft.
    """
    stored = {each.format: each.document for each in legal_documents.list_formats(einvoice_id, scope)}
    einvoice = find(einvoice_id, scope, items=False)
    canonical = canonical_of(einvoice)
    formats = [LegalFormat(each.value) for each in DOCUMENT_FORMATS]
    return einvoice, [_column(canonical, each, stored[each]) for each in formats]


def _column(canonical: Invoice, name: LegalFormat, stored: EinvoiceDocument | None) -> Column:
    target = next(each for each in DOCUMENT_FORMATS if each.value == name)
    try:
        if len(canonical.lines) > MOST_LINES:
            return Column(name, form=form_of(canonical, target), stored=stored)
        written = write_document(canonical, target)
    except NotWritable as error:
        return Column(name, problems=tuple(error.problems), stored=stored)
    return Column(
        name,
        form=written.form,
        text=_indented(written),
        check=check_document(Source(written.content)),
        sums=verdict(written.form),
        stored=stored,
    )


def _indented(written: WrittenDocument) -> str:
    """The document for people to read: the file itself has no line breaks."""
    if written.media_type == JSON:
        return json.dumps(json.loads(written.content), indent=2, ensure_ascii=False)
    root = etree.fromstring(written.content)
    etree.indent(root)
    text: str = etree.tostring(root, encoding="unicode")
    return text
