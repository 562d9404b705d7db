"""``check_document()``: all rules that apply to a document: its schema, and the business rules of its profile."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.formats.canonical import Format, Invoice
from app.formats.canonical_json import sha256
from app.formats.document_reader import Source, read_document
from app.formats.errors import UnreadableDocument
from app.formats.readers.inv01_reader import parse_inv01
from app.formats.xml_tree import parse_xml
from app.kernel.messages import N_, Message
from app.rules.cen_rules import cen_findings
from app.rules.findings import RuleFinding, RuleSet, Severity
from app.rules.inv01_rules import SCHEMA, inv01_findings
from app.rules.peppol.document_rules import SPECIFICATION
from app.rules.peppol.rule_set import RULES, peppol_findings
from app.rules.xml_schemas import schema_findings


class Profile(StrEnum):
    """Rules that a document is checked by."""

    EN16931 = "en16931"
    XRECHNUNG = "xrechnung"
    #: EN 16931 and Peppol BIS Billing 3.0, in UBL.
    PEPPOL = "peppol"
    #: The XML schema alone: profiles of Factur-X below EN 16931, extensions of EN 16931, and ZUGFeRD 1.0.
    SCHEMA = "schema"
    UBL_TR = "ubl-tr"
    INV01 = "inv-01"


_FORMATS = {
    Profile.EN16931: {Format.UBL, Format.CII},
    Profile.XRECHNUNG: {Format.UBL, Format.CII},
    Profile.PEPPOL: {Format.UBL},
    Profile.SCHEMA: {Format.UBL, Format.CII, Format.UBL_TR},
    Profile.UBL_TR: {Format.UBL_TR},
    Profile.INV01: {Format.INV01},
}
#: Parts of specifications (BT-24) that do not keep all rules of EN 16931: profiles below it, and extensions.
_OTHER_RULES = ("factur-x.eu:1p0:minimum", "factur-x.eu:1p0:basicwl", "urn:ferd:", "#conformant#", "xrechnung:cvd")
#: Findings of one answer.
_MOST = 500


@dataclass(frozen=True, slots=True)
class Check:
    """The document as it was read, the rules that were applied, and what they found."""

    invoice: Invoice
    #: Of the canonical bytes.
    sha256: str
    profile: Profile
    rule_sets: tuple[RuleSet, ...]
    findings: tuple[RuleFinding, ...]

    @property
    def is_valid(self) -> bool:
        return not any(each.severity is Severity.ERROR for each in self.findings)


def check_document(source: Source, profile: Profile | None = None) -> Check:
    """Apply the rules of ``profile``, by default those that the document names.

    Raises:
        UnreadableDocument: the document cannot be read, or the profile is for another format.
    """
    invoice = read_document(source)
    profile = profile or default_profile(invoice)
    if invoice.format not in _FORMATS[profile]:
        text = N_("The profile %(profile)s is not for documents of the format %(format)s.")
        raise UnreadableDocument(Message(text, profile=profile.value, format=invoice.format.value))
    sets, findings = _apply(source, invoice, profile)
    return Check(invoice, sha256(invoice), profile, tuple(sets), tuple(findings[:_MOST]))


def default_profile(invoice: Invoice) -> Profile:
    """The profile that the document names."""
    specification = (invoice.specification or "").lower()
    if invoice.format is Format.UBL_TR:
        return Profile.UBL_TR
    if invoice.format is Format.INV01:
        return Profile.INV01
    if any(part in specification for part in _OTHER_RULES):
        return Profile.SCHEMA
    if invoice.format is Format.UBL and SPECIFICATION in specification:
        return Profile.PEPPOL
    return Profile.XRECHNUNG if "xrechnung" in specification else Profile.EN16931


def _apply(source: Source, invoice: Invoice, profile: Profile) -> tuple[list[RuleSet], list[RuleFinding]]:
    if profile is Profile.INV01:
        return [SCHEMA], inv01_findings(parse_inv01(source.content.removeprefix(b"\xef\xbb\xbf")))
    rule_set, findings = schema_findings(source.content, invoice)
    sets = [rule_set]
    if profile in {Profile.EN16931, Profile.XRECHNUNG, Profile.PEPPOL}:
        core = Profile.EN16931 if profile is Profile.PEPPOL else profile
        rule_set, found = cen_findings(source.content, core.value)
        sets.append(rule_set)
        findings += found
    if profile is Profile.PEPPOL:
        sets.append(RULES)
        findings += peppol_findings(parse_xml(source.content))
    return sets, findings
