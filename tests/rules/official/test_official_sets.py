"""The official rule sets: those of the packages, and newer ones in the folder of the operator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.formats.canonical import Format
from app.formats.document_reader import Source, read_document
from app.rules.official.official_sets import find_sets, misnamed_files
from tests.rules.official.stylesheets import write_set

UBL = read_document(Source(Path("docs/examples/ubl-invoice.xml").read_bytes()))
TURKISH = read_document(Source(Path("docs/examples/ubl-tr-invoice.xml").read_bytes()))
_FACTUR_X = "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:"


def names(
    folder: Path | None, specification: str = "urn:cen.eu:en16931:2017", target: Format = Format.UBL
) -> list[str]:
    invoice = replace(UBL, specification=specification, format=target)
    return [f"{each.name} {each.version}" for each in find_sets(folder).for_invoice(invoice)]


def test_each_format_has_its_set() -> None:
    assert names(None) == ["en16931 1.3.16"]
    assert names(None, target=Format.CII) == ["factur-x-en16931 1.09.2"]
    assert names(None, f"{_FACTUR_X}basic", Format.CII) == ["factur-x-basic 1.09"]
    assert [each.name for each in find_sets(None).for_invoice(TURKISH)] == ["gib"]
    assert all(len(each.sha256) == 64 for each in find_sets(None).sets)


def test_an_extension_of_en16931_has_none() -> None:
    assert names(None, "urn:cen.eu:en16931:2017#conformant#urn:example:extension") == []
    assert names(None, target=Format.INV01) == []


def test_a_file_of_the_operator_takes_the_place_of_its_name(tmp_path: Path) -> None:
    before = find_sets(tmp_path).fingerprint(Format.UBL), find_sets(tmp_path).fingerprint(Format.CII)
    for version in ("1.3.9", "1.3.20", "1.3.17"):
        write_set(tmp_path, f"ubl/en16931-{version}.xslt")
    assert names(tmp_path) == ["en16931 1.3.20"]
    after = find_sets(tmp_path).fingerprint(Format.UBL), find_sets(tmp_path).fingerprint(Format.CII)
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_another_set_is_for_documents_whose_specification_names_it(tmp_path: Path) -> None:
    write_set(tmp_path, "ubl/xrechnung-2.5.0.xsl")
    assert names(tmp_path) == ["en16931 1.3.16"]
    specification = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
    assert names(tmp_path, specification) == ["en16931 1.3.16", "xrechnung 2.5.0"]


@pytest.mark.parametrize("name", ["en16931-1.xslt", "ubl/EN16931.xslt", "inv-01/a-1.xslt", "ubl/deep/a-1.xslt"])
def test_a_file_with_another_name_is_no_set(tmp_path: Path, name: str) -> None:
    path = write_set(tmp_path, name)
    write_set(tmp_path, "ubl/en16931-1.3.17.xslt")
    assert misnamed_files(tmp_path) == [path]
    assert misnamed_files(None) == misnamed_files(tmp_path / "missing") == []
