"""Names of the files of e-invoices for people: the number, and of a return or credit note what it is."""

from __future__ import annotations

from app.einvoices.models.einvoices import Einvoice
from app.einvoices.status import Type

_KINDS = {Type.SALE.value: "", Type.RETURN.value: "-return", Type.CREDIT_NOTE.value: "-credit-note"}


def file_stem(einvoice: Einvoice) -> str:
    """``EA-2026-000456``, or ``EA-2026-000457-credit-note``."""
    return f"{einvoice.invoice_no}{_KINDS[einvoice.type]}"
