"""``LegalFormat``: the formats of the legal documents of an e-invoice."""

from __future__ import annotations

from enum import StrEnum


class LegalFormat(StrEnum):
    """The formats of the legal documents of an e-invoice."""

    UBL = "ubl"
    CII = "cii"
    FACTUR_X = "factur-x"
    UBL_TR = "ubl-tr"
    INV01 = "inv-01"
