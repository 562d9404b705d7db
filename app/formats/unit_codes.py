"""Unit codes: one code for an item, and the code of the same unit in each format.

Codes are those of UN/ECE Recommendation 20, and of Recommendation 21 for packages: ``MTR``, ``C62``, ``XBX``. EN 16931
writes packages with an X before them, GİB without it, and INV-01 has a list of its own (UQC).
"""

from __future__ import annotations

from app.formats.code_lists import en_codes, gib_codes

#: What INV-01 calls a unit that its list does not have.
OTHER = "OTH"
#: Unit -> unique quantity code of India; packages are without the X.
_UQC = {
    **{"C62": "NOS", "NIU": "NOS", "EA": "NOS", "H87": "PCS", "PR": "PRS", "SET": "SET", "DZN": "DOZ", "GRO": "GRS"},
    **{"MTR": "MTR", "CMT": "CMS", "KMT": "KME", "YRD": "YDS", "MTK": "SQM", "FTK": "SQF", "YDK": "SQY"},
    **{"MTQ": "CBM", "CMQ": "CCM", "LTR": "LTR", "MLT": "MLT", "KLR": "KLR", "K6": "KLR", "GLL": "UGS"},
    **{"KGM": "KGS", "GRM": "GMS", "TNE": "MTS", "DTN": "QTL", "MIL": "THD"},
    **{"BX": "BOX", "BG": "BAG", "CT": "CTN", "PK": "PAC", "PA": "PAC", "RO": "ROL", "BO": "BTL", "CA": "CAN"},
    **{"TU": "TUB", "DR": "DRM", "BE": "BDL", "BL": "BAL", "BN": "BAL", "NMP": "PAC"},
}
#: The codes that INV-01 knows.
UQC = frozenset({*_UQC.values(), OTHER, "BKL", "BOU", "BUN", "GGK", "GYD", "TBS", "TGM", "TON", "UNT"})


def is_known(code: str) -> bool:
    """Whether EN 16931 or GİB has the unit."""
    return en_unit(code) is not None or gib_unit(code) is not None


def en_unit(code: str) -> str | None:
    """The code of EN 16931 for a unit; None if it has none."""
    return _choose(en_codes("UNIT"), code, f"X{code}")


def gib_unit(code: str) -> str | None:
    """The code of UBL-TR for a unit; None if it has none."""
    return _choose(gib_codes("UnitCodeList"), code, _without_x(code))


def uqc_unit(code: str) -> str:
    """The code of INV-01 for a unit."""
    return _UQC.get(code) or _UQC.get(_without_x(code)) or OTHER


def _choose(known: frozenset[str], *codes: str) -> str | None:
    return next((code for code in codes if code in known), None)


def _without_x(code: str) -> str:
    return code[1:] if len(code) == len("XBX") and code.startswith("X") else code
