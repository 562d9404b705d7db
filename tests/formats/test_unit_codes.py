"""One unit code for an item, and its code in each format."""

from __future__ import annotations

import pytest

from app.formats.unit_codes import UQC, en_unit, gib_unit, is_known, uqc_unit


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("MTR", ("MTR", "MTR", "MTR")),
        ("C62", ("C62", "C62", "NOS")),
        ("CMT", ("CMT", "CMT", "CMS")),
        ("XBX", ("XBX", "BX", "BOX")),
        ("BX", ("XBX", "BX", "BOX")),
        ("XRO", ("XRO", "RO", "ROL")),
        ("PK", ("XPK", "PK", "PAC")),
        ("HUR", ("HUR", "HUR", "OTH")),
        ("ZZQ", (None, None, "OTH")),
    ],
)
def test_a_unit_has_a_code_in_each_format(code: str, expected: tuple[str | None, str | None, str]) -> None:
    assert (en_unit(code), gib_unit(code), uqc_unit(code)) == expected
    assert is_known(code) is (expected[0] is not None)
    assert uqc_unit(code) in UQC
