"""``official_opinion()``: what the official rule sets say about a document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from app.formats.canonical import Format, Invoice
from app.rules.findings import RuleFinding, RuleSet, Severity
from app.rules.official.official_sets import OfficialSets
from app.rules.official.xslt_processor import NotChecked, processor

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_SEVERITIES = {"warning": Severity.WARNING, "information": Severity.INFORMATION, "info": Severity.INFORMATION}
_NAMESPACE = re.compile(r"\*:|\[namespace-uri\(\)=(?:'[^'\[]*'|\"[^\"\[]*\")\]|Q\{[^{}]*\}")
#: Findings of one document.
_MOST = 200
_MOST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Opinion:
    """The sets that were applied, and what they found."""

    rule_sets: tuple[RuleSet, ...]
    findings: tuple[RuleFinding, ...]

    @property
    def is_valid(self) -> bool | None:
        """None if there is no set for the document."""
        return not any(each.severity is Severity.ERROR for each in self.findings) if self.rule_sets else None


def official_opinion(content: bytes, invoice: Invoice, sets: OfficialSets) -> Opinion:
    """Apply the official sets to a document that was read within the limits of ``parse_xml()``.

    Raises:
        UnusableRuleSet: a set cannot be used.
        NotChecked: a set cannot be applied to this document.
    """
    applied = sets.for_invoice(invoice)
    text = _as_text(content) if applied else ""
    findings: list[RuleFinding] = []
    for each in applied:
        report = processor().apply(each.path, each.sha256, text, _parameters(invoice))
        findings += _findings(report, each.name)
    return Opinion(tuple(each.rule_set for each in applied), tuple(findings[:_MOST]))


def _parameters(invoice: Invoice) -> dict[str, str]:
    """GİB has other rules for documents of e-Arşiv."""
    if invoice.format is not Format.UBL_TR:
        return {}
    return {"type": "earchive" if invoice.process == "EARSIVFATURA" else "efatura"}


def _as_text(content: bytes) -> str:
    """The document without a declaration: the processor takes texts, and a document may have any encoding."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    text: str = etree.tostring(etree.fromstring(content, parser), encoding="unicode")
    return text


def _findings(report: str, rule_set: str) -> Iterator[RuleFinding]:
    try:
        root = etree.fromstring(report.encode(), etree.XMLParser(resolve_entities=False, huge_tree=True))
    except etree.XMLSyntaxError as error:
        raise NotChecked(f"the report is no XML: {error}") from error
    if root.tag != f"{_SVRL}schematron-output":
        raise NotChecked("the stylesheet wrote no SVRL report")
    for node in root.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report", f"{_SVRL}error"):
        yield _finding(node, rule_set)


def _finding(node: etree._Element, rule_set: str) -> RuleFinding:
    is_report = node.tag == f"{_SVRL}successful-report"
    usual = Severity.WARNING if is_report else Severity.ERROR
    said = (node.get("flag") or node.get("role") or "").lower()
    message = " ".join("".join(node.itertext()).split())[:_MOST_TEXT]
    return RuleFinding(
        rule=node.get("id") or node.get("code") or "SCHEMATRON",
        severity=_SEVERITIES.get(said, usual),
        message=message or node.get("test") or "",
        path=_NAMESPACE.sub("", node.get("location") or "") or None,
        rule_set=rule_set,
    )
