"""``write_document()``: the document of an invoice in one of the formats."""

from __future__ import annotations

from dataclasses import dataclass

from app.formats.canonical import Format, Invoice
from app.formats.targets.en16931 import en_form
from app.formats.targets.indian import foreign_total, indian_form
from app.formats.targets.not_writable import Problem, refuse_if_any
from app.formats.targets.turkish import turkish_form
from app.formats.writers.cii_writer import write_cii
from app.formats.writers.inv01_writer import write_inv01
from app.formats.writers.ubl_writer import write_ubl
from app.kernel.messages import N_

XML, JSON = "application/xml", "application/json"


@dataclass(frozen=True, slots=True)
class WrittenDocument:
    """The bytes of a document, and the canonical form that they say."""

    content: bytes
    form: Invoice

    @property
    def media_type(self) -> str:
        return JSON if self.form.format is Format.INV01 else XML


def form_of(invoice: Invoice, format: Format) -> Invoice:  # noqa: A002 - the field's word
    """The canonical form of ``invoice`` in ``format``.

    Raises:
        NotWritable: the format cannot say what the invoice says.
    """
    if format is Format.UBL_TR:
        if not invoice.uuid:  # e-invoices of an earlier release have none
            refuse_if_any([Problem("uuid", N_("The format wants the UUID (ETTN), and the invoice has none."))])
        return turkish_form(invoice)
    return indian_form(invoice) if format is Format.INV01 else en_form(invoice, format)


def write_document(invoice: Invoice, format: Format) -> WrittenDocument:  # noqa: A002
    """The document of ``invoice``, whatever its own format is; the same bytes every time.

    Raises:
        NotWritable: the format cannot say what the invoice says.
    """
    form = form_of(invoice, format)
    if format is Format.INV01:
        return WrittenDocument(write_inv01(form, foreign_total(invoice)), form)
    return WrittenDocument(write_cii(form) if format is Format.CII else write_ubl(form), form)
