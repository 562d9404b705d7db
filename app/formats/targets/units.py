"""Unit codes of UN/ECE for the codes of INV-01: the way back from ``app/formats/unit_codes.py``."""

from __future__ import annotations

_OF_UQC = {
    **{"NOS": "C62", "PCS": "H87", "PRS": "PR", "SET": "SET", "DOZ": "DZN", "GRS": "GRO"},
    **{"MTR": "MTR", "CMS": "CMT", "KME": "KMT", "YDS": "YRD", "SQM": "MTK", "SQF": "FTK", "SQY": "YDK"},
    **{"CBM": "MTQ", "CCM": "CMQ", "LTR": "LTR", "MLT": "MLT", "KLR": "K6", "KGS": "KGM", "GMS": "GRM"},
    **{"MTS": "TNE", "TON": "TNE", "QTL": "DTN", "BOX": "XBX", "BAG": "XBG", "CTN": "XCT", "PAC": "XPK", "ROL": "XRO"},
}


def unit_of_uqc(code: str | None) -> str | None:
    """The unit of a unique quantity code; a code without one stays as it is."""
    return _OF_UQC.get(code or "", code)
