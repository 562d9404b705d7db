"""Sums of EN 16931: details that samples of the standards have."""

from __future__ import annotations

from decimal import Decimal

from app.formats.document_reader import Source, read_document
from app.rules.sums.exact import Verdict, verdict
from tests.formats.lawful import Document, Row, cii, ubl


def check(content: bytes) -> Verdict:
    return verdict(read_document(Source(content)))


def replaced(content: bytes, *pairs: tuple[str, str]) -> bytes:
    for old, new in pairs:
        assert content.count(old.encode()) == 1, old
        content = content.replace(old.encode(), new.encode())
    return content


def one(price: str, rate: str = "19", quantity: str = "1", **facts: str | Decimal) -> Document:
    return Document([Row(Decimal(quantity), Decimal(price), Decimal(0), Decimal(rate))], **facts)  # type: ignore[arg-type]


def test_vat_that_is_rounded_up() -> None:
    """3986.34 × 19 % = 757.4046; a test document of XRechnung has 757.41."""
    doc = one("132.878", quantity="30")
    doc.vat[Decimal(19)] = (doc.lines, Decimal("757.41"))
    doc.tax, doc.inclusive = Decimal("757.41"), Decimal("4743.75")
    doc.payable = doc.inclusive
    assert check(ubl(doc)).rule == "per_rate_rounded_up"


class TestGrossPrice:
    gross = (
        "</ram:NetPriceProductTradePrice>",
        (
            "</ram:NetPriceProductTradePrice><ram:GrossPriceProductTradePrice><ram:ChargeAmount>{}</ram:ChargeAmount>"
            "</ram:GrossPriceProductTradePrice>"
        ),
    )

    def test_lines_at_the_gross_price(self) -> None:
        content = replaced(cii(one("1163.40", "0")), (self.gross[0], self.gross[1].format("1163.40")))
        net = "<ram:ChargeAmount>1163.40</ram:ChargeAmount></ram:NetPrice"
        found = check(replaced(content, (net, net.replace("1163.40", "1000.00"))))
        assert (found.rule, found.findings) == ("per_rate+lines_at_gross_price", ())

    def test_a_changed_gross_price_is_found(self) -> None:
        content = replaced(cii(one("11.00")), (self.gross[0], self.gross[1].format("11.01")))
        assert check(content).findings[0].rule == "BT-146"


class TestProfiles:
    def test_minimum_has_no_prepaid_amount(self) -> None:
        context = (
            "<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>"
            "<ram:ID>urn:factur-x.eu:1p0:minimum</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>"
            "</rsm:ExchangedDocumentContext><rsm:ExchangedDocument>"
        )
        content = replaced(cii(one("100.00")), ("<rsm:ExchangedDocument>", context))
        due = "<ram:DuePayableAmount>119.00"
        assert check(replaced(content, (due, due.replace("119.00", "19.00")))).rule == "per_rate+prepaid_not_stated"
        assert check(replaced(content, (due, due.replace("119.00", "118.99")))).findings

    def test_third_party_payments_of_xrechnung(self) -> None:
        payment = "<cac:PrepaidPayment><cbc:PaidAmount>10.00</cbc:PaidAmount></cac:PrepaidPayment><cac:TaxTotal>"
        payable = '<cbc:PayableAmount currencyID="EUR">119.00'
        content = replaced(
            ubl(one("100.00")),
            ("<cac:TaxTotal>", payment),
            (payable, payable.replace("119.00", "129.00")),
            ("en16931:2017", "en16931:2017#conformant#urn:xeinkauf.de:kosit:extension:xrechnung_3.0"),
        )
        assert check(content).findings == ()
        assert check(replaced(content, (">10.00<", ">10.01<"))).findings

    def test_parts_of_a_line(self) -> None:
        """The extension of XRechnung nests lines; totals count the outer ones."""
        part = (
            '<cac:SubInvoiceLine><cbc:ID>1.1</cbc:ID><cbc:InvoicedQuantity unitCode="H87">4</cbc:InvoicedQuantity>'
            "<cbc:LineExtensionAmount>100.00</cbc:LineExtensionAmount><cac:Price><cbc:PriceAmount>25.00</cbc:PriceAmount>"
            "</cac:Price></cac:SubInvoiceLine></cac:InvoiceLine>"
        )
        content = replaced(ubl(one("100.00")), ("</cac:InvoiceLine>", part))
        assert check(content).findings == ()
        net = "<cbc:LineExtensionAmount>100.0"
        for old, new in ((">25.00<", ">25.01<"), (f"{net}0", f"{net}1")):
            assert check(replaced(content, (old, new))).findings


def test_many_wrong_amounts_are_each_told() -> None:
    doc = Document([Row(Decimal(2), Decimal("10.00"), Decimal(0), Decimal(19)) for _ in range(5)])
    content = ubl(doc)
    for number in range(5):
        content = content.replace(b">20.00<", f">{21 + number}.00<".encode(), 1)
    findings = check(content).findings
    assert {each.field for each in findings} >= {f"lines[{number}].net" for number in range(5)}


def test_one_wrong_amount_of_a_long_document_is_one_finding() -> None:
    rows = [Row(Decimal(3), Decimal("33.35"), Decimal(0), Decimal(19)) for _ in range(999)]
    content = ubl(Document([*rows, Row(Decimal(1), Decimal("7.77"), Decimal(0), Decimal(19))]))
    net = '<cbc:LineExtensionAmount currencyID="EUR">7.7'
    (finding,) = check(replaced(content, (f"{net}7", f"{net}8"))).findings
    assert (finding.field, finding.expected) == ("lines[999].net", "7.77")
