"""``LegalProfile``: legal documents that a seller can have to be ready for."""

from __future__ import annotations

from enum import StrEnum


class LegalProfile(StrEnum):
    """What a document must be ready for."""

    EN16931 = "en16931"
    PEPPOL = "peppol"
    FACTUR_X = "factur-x"
    UBL_TR = "ubl-tr"
    INV01 = "inv-01"
