"""The official rules themselves: what they find in documents, and that one thread alone applies them."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from app.formats.canonical import Format
from app.formats.document_reader import Source, read_document
from app.formats.writers.document_writer import write_document
from app.rules.findings import Severity
from app.rules.official.official_sets import OfficialSets, find_sets
from app.rules.official.second_opinion import Opinion, official_opinion
from app.rules.official.xslt_processor import NotChecked, UnusableRuleSet, processor
from tests.formats.hub_invoices import invoice
from tests.rules.official.stylesheets import FAULT, REPORT, write_set

EXAMPLE = Path("docs/examples/ubl-invoice.xml").read_text()
SETS = find_sets(None)


def opinion(text: str, sets: OfficialSets = SETS, encoding: str = "utf-8") -> Opinion:
    content = text.encode(encoding)
    return official_opinion(content, read_document(Source(content)), sets)


def rules(found: Opinion) -> list[str]:
    return [each.rule for each in found.findings if each.severity is Severity.ERROR]


@pytest.mark.parametrize("target", [Format.UBL, Format.CII, Format.UBL_TR])
def test_they_find_no_error_in_what_the_hub_writes(target: Format) -> None:
    document = write_document(invoice(3, currency="EUR"), target)
    found = official_opinion(document.content, document.form, SETS)
    assert (found.is_valid, rules(found)) == (True, [])
    assert [len(each.sha256) for each in found.rule_sets] == [64]


def test_a_fault_is_found_with_its_rule_and_path() -> None:
    found = opinion(EXAMPLE.replace("<cbc:ID>EA-2026-000456</cbc:ID>", ""))
    assert (found.is_valid, rules(found)) == (False, ["BR-02"])
    assert found.findings[0].path == "/Invoice[1]"
    assert found.findings[0].message.startswith("[BR-02]-An Invoice shall have an Invoice number")


def test_the_rules_of_gib_differ_for_e_archive() -> None:
    document = write_document(invoice(3, currency="EUR"), Format.UBL_TR)
    assert document.form.process in {"EARSIVFATURA", "TEMELFATURA"}
    other = {"EARSIVFATURA": "TEMELFATURA", "TEMELFATURA": "EARSIVFATURA"}[document.form.process or ""]
    wrong = replace(document.form, process=other)
    assert official_opinion(document.content, document.form, SETS).is_valid
    assert not official_opinion(document.content, wrong, SETS).is_valid


def test_the_present_day_is_that_of_turkey(tmp_path: Path) -> None:
    """For three hours of a night it is the next day there, also for a server whose clock is in UTC."""
    path = write_set(tmp_path, "zone.xslt", '<out><xsl:value-of select="implicit-timezone()"/></out>')
    assert "PT3H" in processor().apply(path, "zone", EXAMPLE, {})


def test_any_encoding_is_read() -> None:
    text = EXAMPLE.replace('encoding="UTF-8"', 'encoding="iso-8859-1"')
    assert opinion(text, encoding="iso-8859-1").is_valid


def test_a_document_without_a_set_has_no_opinion() -> None:
    found = opinion(EXAMPLE.replace("urn:cen.eu:en16931:2017<", "urn:cen.eu:en16931:2017#conformant#urn:example<"))
    assert (found.is_valid, found.rule_sets, found.findings) == (None, (), ())


def test_a_set_of_the_operator_is_applied(tmp_path: Path) -> None:
    write_set(tmp_path, "ubl/en16931-1.3.17.xslt", REPORT.format(FAULT))
    found = opinion(EXAMPLE, find_sets(tmp_path))
    [finding] = found.findings
    assert (finding.rule, finding.severity, finding.message) == ("NEW-1", Severity.ERROR, "A newer rule.")
    assert finding.path == "/Invoice[1]"
    assert [each.version for each in found.rule_sets] == ["1.3.17"]


@pytest.mark.parametrize(
    ("top", "body", "error"),
    [
        ('<xsl:include href="other.xslt"/>', REPORT.format(""), UnusableRuleSet),
        ("<xsl:import-schema/>", "<xsl:nothing/>", UnusableRuleSet),
        ("", "<html/>", NotChecked),
        ("", "", NotChecked),
        ("", '<xsl:value-of select="error()"/>', NotChecked),
    ],
)
def test_a_file_that_is_no_rule_set_says_so(tmp_path: Path, top: str, body: str, error: type[Exception]) -> None:
    write_set(tmp_path, "ubl/en16931-2.xslt", body, top=top)
    with pytest.raises(error):
        opinion(EXAMPLE, find_sets(tmp_path))
    assert opinion(EXAMPLE).is_valid  # the processor goes on


def test_another_thread_is_refused() -> None:
    refused: list[Exception] = []

    def use() -> None:
        try:
            opinion(EXAMPLE)
        except RuntimeError as error:
            refused.append(error)

    processor()
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert "one thread of one process" in str(refused[0])
