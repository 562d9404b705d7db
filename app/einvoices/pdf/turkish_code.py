"""Karekod of an e-invoice: the QR code that GİB wants on the print, and the facts that GİB's layout shows beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.einvoices.models.documents import EinvoiceCanonicalForm
from app.einvoices.models.einvoices import Einvoice
from app.extensions import db
from app.formats.canonical import Format
from app.formats.canonical_json import read_canonical
from app.formats.targets.not_writable import NotWritable
from app.formats.writers.document_writer import form_of
from app.formats.writers.karekod import karekod

#: The number that UBL-TR wants.
_NUMBER = re.compile(r"[A-Z0-9]{3}20\d{11}")


@dataclass(frozen=True, slots=True)
class TurkishCode:
    """The text of the code, and what the print says of the invoice besides."""

    text: str
    scenario: str
    type: str
    uuid: str


def turkish_code_of(einvoice: Einvoice) -> TurkishCode | None:
    """The code of an e-invoice of Türkiye.

    None if UBL-TR cannot say the e-invoice, if its number has another form, or if it was issued by a release without
    frozen forms: its print stays as it was.
    """
    if ((einvoice.seller or {}).get("legal") or {}).get("country") != "TR":
        return None
    stored = db.session.get(EinvoiceCanonicalForm, einvoice.id)
    if stored is None or stored.is_late:
        return None
    try:
        form = form_of(read_canonical(stored.body.encode()), Format.UBL_TR)
    except NotWritable:
        return None
    if not _NUMBER.fullmatch(form.number or ""):
        return None
    return TurkishCode(karekod(form), form.process or "", form.type or "", form.uuid or "")
