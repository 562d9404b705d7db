"""Sums of UBL-TR: each usual way of integrators is told and no finding, and every changed cent is found."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from app.formats.document_reader import Source, read_document
from app.rules.sums.exact import Verdict, verdict

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_ROOT = (
    f'xmlns="{_UBL}Invoice-2" xmlns:cac="{_UBL}CommonAggregateComponents-2" xmlns:cbc="{_UBL}CommonBasicComponents-2"'
)
_AMOUNT = re.compile(rb"<cbc:\w*Amount[^>]*>(-?\d+(?:\.\d+)?)<")
TOTALS = ("LineExtension", "TaxExclusive", "TaxInclusive", "AllowanceTotal", "PayableRounding", "Payable")


def amount(name: str, value: str) -> str:
    return f'<cbc:{name} currencyID="TRY">{value}</cbc:{name}>'


def rows(*parts: str) -> str:
    """Rows from texts as ``132.00 26.40 20 0015``: base, amount, percent (or -) and code."""
    text = ""
    for part in parts:
        base, value, percent, code = part.split()
        rate = "" if percent == "-" else f"<cbc:Percent>{percent}</cbc:Percent>"
        scheme = f"<cac:TaxScheme><cbc:TaxTypeCode>{code}</cbc:TaxTypeCode></cac:TaxScheme>"
        text += f"<cac:TaxSubtotal>{amount('TaxableAmount', base)}{amount('TaxAmount', value)}{rate}"
        text += f"<cac:TaxCategory>{scheme}</cac:TaxCategory></cac:TaxSubtotal>"
    return text


def tax(value: str, *parts: str) -> str:
    return f"<cac:TaxTotal>{amount('TaxAmount', value)}{rows(*parts)}</cac:TaxTotal>"


def withheld(value: str, *parts: str) -> str:
    return f"<cac:WithholdingTaxTotal>{amount('TaxAmount', value)}{rows(*parts)}</cac:WithholdingTaxTotal>"


def discount(value: str, base: str = "", factor: str = "") -> str:
    flag = "<cbc:ChargeIndicator>false</cbc:ChargeIndicator>"
    multiplier = f"<cbc:MultiplierFactorNumeric>{factor}</cbc:MultiplierFactorNumeric>" if factor else ""
    rest = amount("BaseAmount", base) if base else ""
    return f"<cac:AllowanceCharge>{flag}{multiplier}{amount('Amount', value)}{rest}</cac:AllowanceCharge>"


def line(quantity: str, price: str, net: str, rest: str) -> str:
    head = f'<cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode="C62">{quantity}</cbc:InvoicedQuantity>'
    body = f"{head}{amount('LineExtensionAmount', net)}{rest}<cac:Price>{amount('PriceAmount', price)}</cac:Price>"
    return f"<cac:InvoiceLine>{body}</cac:InvoiceLine>"


def document(kind: str, middle: str, totals: str, lines: str, scenario: str = "TEMELFATURA") -> bytes:
    """``totals`` are the amounts of ``TOTALS`` in order, or ``-``."""
    pairs = zip(TOTALS, totals.split(), strict=True)
    sums = "".join(amount(f"{name}Amount", value) for name, value in pairs if value != "-")
    head = f"<cbc:CustomizationID>TR1.2.1</cbc:CustomizationID><cbc:ProfileID>{scenario}</cbc:ProfileID>"
    head += f"<cbc:InvoiceTypeCode>{kind}</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>TRY</cbc:DocumentCurrencyCode>"
    total = f"<cac:LegalMonetaryTotal>{sums}</cac:LegalMonetaryTotal>"
    return f"<Invoice {_ROOT}>{head}{middle}{total}{lines}</Invoice>".encode()


VAT, HELD = "132.00 26.40 20.0 0015", "26.40 23.76 90 607"
SPECIAL = tax("44.00", "100.00 20.00 20 0071", "120.00 24.00 20 0015")
#: Name -> names of the rule that are told, and the document.
WAYS: dict[str, tuple[str, bytes]] = {
    "withholding": (
        "per_rate",
        document(
            "TEVKIFAT",
            tax("26.40", VAT) + withheld("23.76", HELD),
            "132.00 132.00 158.40 - - 134.64",
            line("3", "44", "132.00", tax("26.40", VAT) + withheld("23.76", HELD)),
        ),
    ),
    "withholding in no line": (
        "per_rate",
        document(
            "TEVKIFAT",
            tax("26.40", VAT) + withheld("23.76", HELD),
            "132.00 132.00 158.40 - - 134.64",
            line("3", "44", "132.00", tax("26.40", VAT)),
        ),
    ),
    "discount of a line repeated, taxes after withholding": (
        "per_rate+discounts_in_lines+tax_after_withholding",
        document(
            "TEVKIFAT",
            discount("18.00") + tax("2.64", VAT) + withheld("23.76", HELD),
            "132.00 132.00 134.64 18.00 - 134.64",
            line("3", "50", "132.00", discount("18.00", "", "0.12") + tax("2.64", VAT) + withheld("23.76", HELD)),
        ),
    ),
    "VAT that is not collected": (
        "per_rate+vat_not_collected",
        document(
            "IHRACKAYITLI",
            tax("26.40", VAT),
            "132.00 132.00 158.40 - - 132.00",
            line("3", "44", "132.00", tax("26.40", VAT)),
        ),
    ),
    "a row without a percent": (
        "per_rate",
        document(
            "SATIS",
            tax("2.73", "15.15 2.73 - 0015"),
            "15.15 15.15 17.88 - - 17.88",
            line("101", "0.15", "15.15", discount("0", "15.15", "0.0") + tax("2.73", "15.15 2.73 18.0 0015")),
        ),
    ),
    "gross lines": (
        "per_rate+gross_lines",
        document(
            "SATIS",
            tax("24.00", "120.00 24.00 20 0015"),
            "150.00 120.00 144.00 30.00 - 144.00",
            line("3", "50", "120.00", discount("30.00", "150.00", "0.2") + tax("24.00", "120.00 24.00 20 0015")),
        ),
    ),
    "VAT on a special tax": (
        "per_rate+vat_on_other_taxes",
        document("SATIS", SPECIAL, "100.00 100.00 144.00 - - 144.00", line("1", "100", "100.00", SPECIAL)),
    ),
    "a discount of the document": (
        "per_rate+discount_in_base",
        document(
            "SATIS",
            discount("10.00", "100.00") + tax("18.00", "90.00 18.00 20 0015"),
            "100.00 90.00 108.00 10.00 - 108.00",
            line("1", "100", "100.00", tax("20.00", "100.00 20.00 20 0015")),
        ),
    ),
    "a base by law": (
        "per_rate",
        document(
            "OZELMATRAH",
            tax("4.00", "20.00 4.00 20 0015"),
            "100.00 100.00 104.00 - - 104.00",
            line("1", "100", "100.00", tax("4.00", "20.00 4.00 20 0015")),
        ),
    ),
    "income tax": (
        "per_rate+income_tax_withheld",
        document(
            "SATIS",
            tax("0.00", "100.00 20.00 20 0003", "100.00 20.00 20 0015"),
            "100.00 100.00 100.00 - - 100.00",
            line("1", "100", "100.00", ""),
        ),
    ),
    "a market hall": (
        "per_rate+market_hall_deductions",
        document(
            "KOMISYONCU",
            tax("1.00", "100.00 1.00 1 0015"),
            "100.00 100.00 101.00 - - 92.00",
            line("1", "100", "100.00", tax("1.00", "100.00 1.00 1 0015")),
            "HKS",
        ),
    ),
}
#: Amounts from which nothing follows: the due amount of a market hall.
_FREE = {"a market hall": {b"92.00"}}


def check(content: bytes) -> Verdict:
    return verdict(read_document(Source(content)))


@pytest.mark.parametrize("name", WAYS)
class TestWays:
    def test_it_is_told_and_no_finding(self, name: str) -> None:
        rule, content = WAYS[name]
        found = check(content)
        assert (found.rule, found.findings) == (rule, ())

    def test_every_changed_cent_is_found(self, name: str) -> None:
        content = WAYS[name][1]
        missed = []
        for match in _AMOUNT.finditer(content):
            for cent in (Decimal("0.01"), Decimal("-0.01")):
                changed = str(Decimal(match[1].decode()) + cent).encode()
                if not check(content[: match.start(1)] + changed + content[match.end(1) :]).findings:
                    missed.append((match[0], cent))
        assert [each for each in missed if not any(free in each[0] for free in _FREE.get(name, ()))] == []
