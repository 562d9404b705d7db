"""Profiles of documents: which rules apply, and what happens when rules cannot be applied."""

from __future__ import annotations

from pathlib import Path

import einvoice
import pytest

from app.formats.document_reader import Source
from app.formats.errors import UnreadableDocument
from app.rules.document_check import Check, Profile, check_document
from app.rules.findings import Severity

EXAMPLE = (Path(__file__).resolve().parents[2] / "docs" / "examples" / "ubl-invoice.xml").read_text()
CORE = "urn:cen.eu:en16931:2017"


def check(text: str, profile: Profile | None = None) -> Check:
    return check_document(Source(text.encode()), profile)


@pytest.mark.parametrize(
    ("specification", "profile"),
    [
        (CORE, Profile.EN16931),
        (f"{CORE}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0", Profile.XRECHNUNG),
        (f"{CORE}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0", Profile.PEPPOL),
        (f"{CORE}#conformant#urn:factur-x.eu:1p0:extended", Profile.SCHEMA),
        ("TR1.2.1", Profile.UBL_TR),
    ],
)
def test_the_document_names_its_profile(specification: str, profile: Profile) -> None:
    assert check(EXAMPLE.replace(f">{CORE}<", f">{specification}<")).profile is profile


def test_the_caller_may_choose_another() -> None:
    assert {each.rule for each in check(EXAMPLE, Profile.XRECHNUNG).findings} >= {"BR-DE-1"}
    assert check(EXAMPLE, Profile.SCHEMA).findings == ()
    with pytest.raises(UnreadableDocument, match="inv-01 is not for documents of the format ubl"):
        check(EXAMPLE, Profile.INV01)


def test_the_schema_names_the_place() -> None:
    checked = check(EXAMPLE.replace("<cbc:IssueDate>2026-11-30", "<cbc:IssueDate>yesterday"), Profile.SCHEMA)
    (finding,) = checked.findings
    assert not checked.is_valid
    assert "IssueDate" in (finding.path or "")
    assert "'yesterday' is not a valid value" in finding.message


def test_a_fault_of_the_package_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document must not pass because its rules could not be applied."""

    def fail(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(einvoice, "validate_bytes", fail)
    (finding,) = check(EXAMPLE).findings
    assert (finding.rule, finding.severity) == ("NOT-CHECKED", Severity.ERROR)


def test_huge_amounts_are_checked() -> None:
    rules = {each.rule for each in check(EXAMPLE.replace(">300.00<", f">{'9' * 29}.00<")).findings}
    assert "BR-CO-15" in rules
    assert "NOT-CHECKED" not in rules
