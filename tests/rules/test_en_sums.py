"""Sums of EN 16931: details that samples of the standards have."""

from __future__ import annotations

from decimal import Decimal

import pytest

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


class TestRoundedPrice:
    """20 pieces at 4.095, which is printed as 4.10, are 81.90: a sample of Factur-X has such lines."""

    @staticmethod
    def content(price: str = "4.10", net: str = "81.90") -> bytes:
        content = cii(one("4.095", "20", "20"))
        return replaced(
            content,
            ("<ram:ChargeAmount>4.095<", f"<ram:ChargeAmount>{price}<"),
            ("<ram:LineTotalAmount>81.90</ram:LineTotalAmount></ram:SpecifiedTradeSettlementLine", _line_total(net)),
        )

    def test_the_rule_is_told(self) -> None:
        found = check(self.content())
        assert (found.rule, found.findings) == ("per_rate+lines_at_rounded_price", ())
        assert check(self.content("4.1000")).rule == found.rule

    @pytest.mark.parametrize("price", ["4.09", "4.11"])
    def test_a_changed_price_is_found(self, price: str) -> None:
        assert [each.rule for each in check(self.content(price)).findings] == ["BT-131"]

    def test_a_changed_line_is_found(self) -> None:
        [found] = check(self.content(net="81.91")).findings  # the price explains it, the sum does not
        assert (found.field, found.got, found.expected) == ("lines[0].net", "81.91", "81.90")
        assert check(self.content(net="81.89")).findings

    def test_a_line_with_allowances_has_no_tolerance(self) -> None:
        """Nothing else would find a changed cent of the allowance."""
        doc = Document([Row(Decimal(20), Decimal("4.10"), Decimal("0.10"), Decimal(20))])
        assert check(ubl(doc)).findings == ()
        for amount in ("0.09", "0.11"):
            assert check(ubl(doc).replace(b">0.10<", f">{amount}<".encode())).findings


def _line_total(net: str) -> str:
    return f"<ram:LineTotalAmount>{net}</ram:LineTotalAmount></ram:SpecifiedTradeSettlementLine"


class TestPartsOfABase:
    """Factur-X EXTENDED says what a VAT base consists of, and what a discount is computed from."""

    content = replaced(
        cii(Document([Row(Decimal(1), Decimal(100), Decimal(0), Decimal(19))], allowance=Decimal(10))),
        (
            "<ram:BasisAmount>90.00</ram:BasisAmount>",
            "<ram:BasisAmount>90.00</ram:BasisAmount><ram:LineTotalBasisAmount>100.00</ram:LineTotalBasisAmount>"
            "<ram:AllowanceChargeBasisAmount>-10.00</ram:AllowanceChargeBasisAmount>",
        ),
    )
    discount = replaced(
        cii(one("9.00")),
        (
            "</ram:NetPriceProductTradePrice>",
            "</ram:NetPriceProductTradePrice><ram:GrossPriceProductTradePrice><ram:ChargeAmount>10.00"
            "</ram:ChargeAmount><ram:AppliedTradeAllowanceCharge><ram:BasisAmount>10.00</ram:BasisAmount>"
            "<ram:ActualAmount>1.00</ram:ActualAmount></ram:AppliedTradeAllowanceCharge>"
            "</ram:GrossPriceProductTradePrice>",
        ),
    )

    def test_they_add_up(self) -> None:
        assert check(self.content).findings == check(self.discount).findings == ()

    @pytest.mark.parametrize("change", [("LineTotalBasisAmount>100.00<", "100.01"), ("BasisAmount>-10.00<", "-9.99")])
    def test_a_changed_part_is_found(self, change: tuple[str, str]) -> None:
        old, amount = change
        changed = replaced(self.content, (old, f"{old.partition('>')[0]}>{amount}<"))
        assert [each.got for each in check(changed).findings] == [amount]

    def test_a_changed_base_of_a_discount_is_found(self) -> None:
        changed = replaced(self.discount, ("BasisAmount>10.00", "BasisAmount>10.01"))
        assert [(each.field, each.rule) for each in check(changed).findings] == [
            ("lines[0].price.discount_base", "BT-148")
        ]


class TestZugferd1:
    """Samples of ZUGFeRD 1.0: texts are lines, and a credit is a negative invoice of which nothing is due."""

    text = (
        "<ram:IncludedSupplyChainTradeLineItem><ram:AssociatedDocumentLineDocument><ram:IncludedNote><ram:Content>As "
        "agreed</ram:Content></ram:IncludedNote></ram:AssociatedDocumentLineDocument><ram:SpecifiedLineTradeSettlement/>"
        "</ram:IncludedSupplyChainTradeLineItem>"
    )
    context = (
        "<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>"
        "urn:ferd:CrossIndustryDocument:invoice:1p0:{}</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>"
        "</rsm:ExchangedDocumentContext><rsm:ExchangedDocument>"
    )

    def old(self, content: bytes, profile: str = "comfort") -> bytes:
        return replaced(content, ("<rsm:ExchangedDocument>", self.context.format(profile)))

    def test_a_text_is_no_amount(self) -> None:
        line = "<ram:IncludedSupplyChainTradeLineItem>"
        content = replaced(cii(one("100.00")), (line, self.text + line))
        assert check(content).findings == ()
        sums = "<ram:LineTotalAmount>100.00</ram:LineTotalAmount><ram:"
        [found] = check(replaced(content, (sums, sums.replace("100.00", "100.01")))).findings
        assert (found.field, found.got) == ("totals.lines", "100.01")

    def test_the_basic_profile_has_the_sum_of_allowances_alone(self) -> None:
        content = cii(Document([Row(Decimal(1), Decimal(100), Decimal(0), Decimal(19))], allowance=Decimal(10)))
        begin, end = b"<ram:SpecifiedTradeAllowanceCharge>", b"</ram:SpecifiedTradeAllowanceCharge>"
        content = content[: content.rindex(begin)] + content[content.rindex(end) + len(end) :]
        assert check(content).findings
        basic = self.old(content, "basic")
        assert (check(basic).rule, check(basic).findings) == ("per_rate+allowances_not_stated", ())
        assert check(replaced(basic, ("AllowanceTotalAmount>10.00", "AllowanceTotalAmount>10.01"))).findings

    def test_a_credit_of_which_nothing_is_due(self) -> None:
        content = cii(one("-100.00"))
        due = "<ram:DuePayableAmount>"
        assert check(content).findings == ()
        nothing = replaced(self.old(content), (f"{due}-119.00", f"{due}0.00"))
        assert (check(nothing).rule, check(nothing).findings) == ("per_rate+credit_not_due", ())
        assert check(replaced(nothing, (f"{due}0.00", f"{due}0.01"))).findings
        assert check(replaced(content, (f"{due}-119.00", f"{due}0.00"))).findings

    def test_allowances_of_a_credit_have_the_other_sign(self) -> None:
        """A line of -100.00 less an allowance of -10.00, which is printed as 10.00."""
        row = Row(Decimal(-1), Decimal(100), Decimal(0), Decimal(19))
        content = cii(Document([row], allowance=Decimal("-10.00")))
        assert check(content).findings == ()
        negated = replaced(content, ("<ram:ActualAmount>-10.00", "<ram:ActualAmount>10.00"))
        assert check(negated).findings
        old = self.old(negated)
        assert (check(old).rule, check(old).findings) == ("per_rate+allowances_negated", ())
        assert check(replaced(old, ("<ram:ActualAmount>10.00", "<ram:ActualAmount>10.01"))).findings
