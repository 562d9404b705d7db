"""``rewrite()``: a document, or the canonical form of an invoice, in another legal format."""

from __future__ import annotations

import msgspec

from app.einvoices.errors import UnreadableLegalDocument
from app.formats.canonical import Format, Invoice
from app.formats.canonical_json import read_canonical
from app.formats.document_reader import open_source, read_document
from app.formats.errors import UnreadableDocument
from app.formats.writers.document_writer import WrittenDocument, write_document
from app.kernel.messages import N_
from app.rules.sums.amounts import AmountTable

#: A key of the canonical form that no document in JSON has.
_OWN_KEY = b'"is_credit_note"'
_NO_FORM = N_("The JSON is not the canonical form of an invoice.")


def rewrite(content: bytes, target: Format) -> WrittenDocument:
    """The invoice in ``content`` as a document of the format ``target``.

    Raises:
        UnreadableLegalDocument: there is no invoice.
        NotWritable: the format cannot say what the invoice says.
    """
    try:
        return write_document(_read(content), target)
    except UnreadableDocument as error:
        raise UnreadableLegalDocument(error.message) from error


def _read(content: bytes) -> Invoice:
    source = open_source(content)
    if not (source.is_json and _OWN_KEY in source.content):
        return read_document(source)
    try:
        invoice = read_canonical(source.content)
    except msgspec.DecodeError as error:
        raise UnreadableDocument(_NO_FORM) from error
    if not all(amount.is_finite() for amount in AmountTable(invoice).amounts.values()):
        raise UnreadableDocument(_NO_FORM)
    return invoice
