"""Lawful documents of all formats, computed by a named rounding rule apart from the hub's own code."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from pypdf import PdfWriter

CENT = Decimal("0.01")
MODES = {"": ROUND_HALF_UP, "_half_even": ROUND_HALF_EVEN, "_truncated": ROUND_DOWN}
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_UBL_ROOT = (
    f'xmlns="{_UBL}Invoice-2" xmlns:cac="{_UBL}CommonAggregateComponents-2" xmlns:cbc="{_UBL}CommonBasicComponents-2"'
)
_CII = "urn:un:unece:uncefact:data:standard:"
_CII_ROOT = (
    f'xmlns:rsm="{_CII}CrossIndustryInvoice:100" xmlns:udt="{_CII}UnqualifiedDataType:100" '
    f'xmlns:ram="{_CII}ReusableAggregateBusinessInformationEntity:100"'
)


@dataclass
class Row:
    """A line: quantity, price, discount and VAT rate."""

    quantity: Decimal
    price: Decimal
    discount: Decimal
    rate: Decimal

    @property
    def gross(self) -> Decimal:
        return (self.quantity * self.price).quantize(CENT, ROUND_HALF_UP)

    @property
    def net(self) -> Decimal:
        return (self.quantity * self.price - self.discount).quantize(CENT, ROUND_HALF_UP)


@dataclass
class Document:
    """What a document says; ``rule`` is ``per_rate`` or ``per_line`` with the suffix of a mode."""

    rows: list[Row]
    rule: str = "per_rate"
    allowance: Decimal = Decimal(0)
    charge: Decimal = Decimal(0)
    prepaid: Decimal = Decimal(0)
    cash_step: Decimal = Decimal(0)
    withheld: Decimal = Decimal(0)
    vat: dict[Decimal, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        mode = MODES[self.rule.removeprefix("per_rate").removeprefix("per_line")]
        parts: dict[Decimal, list[Decimal]] = defaultdict(list)
        for row in self.rows:
            parts[row.rate].append(row.net)
        parts[self.rows[0].rate] += [-self.allowance, self.charge]
        for rate, amounts in parts.items():
            taxed = amounts if self.rule.startswith("per_line") else [sum(amounts, Decimal(0))]
            tax = sum(((each * rate / 100).quantize(CENT, mode) for each in taxed), Decimal(0))
            self.vat[rate] = (sum(amounts, Decimal(0)), tax)
        self.mode = mode
        self.lines = sum((row.net for row in self.rows), Decimal(0))
        self.exclusive = self.lines - self.allowance + self.charge
        self.tax = sum((tax for _, tax in self.vat.values()), Decimal(0))
        self.inclusive = self.exclusive + self.tax
        self.withholding = (self.tax * self.withheld / 100).quantize(CENT, mode)
        due = self.inclusive - self.withholding - self.prepaid
        step = self.cash_step
        self.rounding = (due / step).quantize(Decimal(1), ROUND_HALF_UP) * step - due if step else Decimal(0)
        self.payable = due + self.rounding


def _amount(name: str, value: Decimal) -> str:
    return f'<cbc:{name} currencyID="EUR">{value:.2f}</cbc:{name}>'


def _optional(name: str, value: Decimal) -> str:
    return _amount(name, value) if value else ""


def _category(name: str, rate: Decimal) -> str:
    code = "S" if rate else "Z"
    scheme = "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
    return f"<cac:{name}><cbc:ID>{code}</cbc:ID><cbc:Percent>{rate}</cbc:Percent>{scheme}</cac:{name}>"


def _ubl_allowance(is_charge: bool, amount: Decimal, rest: str = "") -> str:
    flag = "true" if is_charge else "false"
    return (
        f"<cac:AllowanceCharge><cbc:ChargeIndicator>{flag}</cbc:ChargeIndicator>"
        f"<cbc:AllowanceChargeReason>R</cbc:AllowanceChargeReason>{_amount('Amount', amount)}{rest}"
        "</cac:AllowanceCharge>"
    )


def ubl(doc: Document) -> bytes:
    """The document in UBL of EN 16931."""
    first = _category("TaxCategory", doc.rows[0].rate)
    allowances = _ubl_allowance(False, doc.allowance, first) if doc.allowance else ""
    allowances += _ubl_allowance(True, doc.charge, first) if doc.charge else ""
    taxes = "".join(
        f"<cac:TaxSubtotal>{_amount('TaxableAmount', base)}{_amount('TaxAmount', tax)}"
        f"{_category('TaxCategory', rate)}</cac:TaxSubtotal>"
        for rate, (base, tax) in doc.vat.items()
    )
    lines = "".join(
        f'<cac:InvoiceLine><cbc:ID>{number}</cbc:ID><cbc:InvoicedQuantity unitCode="MTR">{row.quantity}'
        f"</cbc:InvoicedQuantity>{_amount('LineExtensionAmount', row.net)}"
        f"{_ubl_allowance(False, row.discount) if row.discount else ''}<cac:Item><cbc:Name>Fabric</cbc:Name>"
        f"{_category('ClassifiedTaxCategory', row.rate)}</cac:Item>"
        f'<cac:Price><cbc:PriceAmount currencyID="EUR">{row.price}</cbc:PriceAmount></cac:Price></cac:InvoiceLine>'
        for number, row in enumerate(doc.rows, 1)
    )
    return (
        f"<Invoice {_UBL_ROOT}><cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>A1</cbc:ID>"
        "<cbc:IssueDate>2026-11-30</cbc:IssueDate><cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>"
        f"<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>{allowances}"
        f"<cac:TaxTotal>{_amount('TaxAmount', doc.tax)}{taxes}</cac:TaxTotal>{_ubl_totals(doc)}{lines}</Invoice>"
    ).encode()


def _ubl_totals(doc: Document) -> str:
    return (
        f"<cac:LegalMonetaryTotal>{_amount('LineExtensionAmount', doc.lines)}"
        f"{_amount('TaxExclusiveAmount', doc.exclusive)}{_amount('TaxInclusiveAmount', doc.inclusive)}"
        f"{_optional('AllowanceTotalAmount', doc.allowance)}{_optional('ChargeTotalAmount', doc.charge)}"
        f"{_optional('PrepaidAmount', doc.prepaid)}{_optional('PayableRoundingAmount', doc.rounding)}"
        f"{_amount('PayableAmount', doc.payable)}</cac:LegalMonetaryTotal>"
    )


def _turkish_row(base: Decimal, amount: Decimal, rate: Decimal, code: str) -> str:
    return (
        f"<cac:TaxSubtotal>{_amount('TaxableAmount', base)}{_amount('TaxAmount', amount)}"
        f"<cbc:Percent>{rate}</cbc:Percent><cac:TaxCategory><cac:TaxScheme><cbc:TaxTypeCode>{code}</cbc:TaxTypeCode>"
        "</cac:TaxScheme></cac:TaxCategory></cac:TaxSubtotal>"
    )


def ubl_tr(doc: Document) -> bytes:
    """The document in UBL-TR; it has no allowance or charge of the document."""

    def tax(row: Row) -> Decimal:
        return (row.net * row.rate / 100).quantize(CENT, doc.mode)

    lines = "".join(
        f'<cac:InvoiceLine><cbc:ID>{number}</cbc:ID><cbc:InvoicedQuantity unitCode="MTR">{row.quantity}'
        f"</cbc:InvoicedQuantity>{_amount('LineExtensionAmount', row.net)}"
        f"{_ubl_allowance(False, row.discount, _amount('BaseAmount', row.gross)) if row.discount else ''}"
        f"<cac:TaxTotal>{_amount('TaxAmount', tax(row))}{_turkish_row(row.net, tax(row), row.rate, '0015')}"
        "</cac:TaxTotal><cac:Item><cbc:Name>Kumaş</cbc:Name></cac:Item>"
        f'<cac:Price><cbc:PriceAmount currencyID="TRY">{row.price}</cbc:PriceAmount></cac:Price></cac:InvoiceLine>'
        for number, row in enumerate(doc.rows, 1)
    )
    rows = "".join(_turkish_row(base, amount, rate, "0015") for rate, (base, amount) in doc.vat.items())
    withheld = (
        f"<cac:WithholdingTaxTotal>{_amount('TaxAmount', doc.withholding)}"
        f"{_turkish_row(doc.tax, doc.withholding, doc.withheld, '601')}</cac:WithholdingTaxTotal>"
    )
    kind = "TEVKIFAT" if doc.withheld else "SATIS"
    return (
        f"<Invoice {_UBL_ROOT}><cbc:UBLVersionID>2.1</cbc:UBLVersionID><cbc:CustomizationID>TR1.2.1"
        "</cbc:CustomizationID><cbc:ProfileID>TEMELFATURA</cbc:ProfileID><cbc:ID>ABC2026000000001</cbc:ID>"
        f"<cbc:IssueDate>2026-11-30</cbc:IssueDate><cbc:InvoiceTypeCode>{kind}</cbc:InvoiceTypeCode>"
        "<cbc:DocumentCurrencyCode>TRY</cbc:DocumentCurrencyCode><cac:AccountingSupplierParty><cac:Party>"
        '<cac:PartyIdentification><cbc:ID schemeID="VKN">1288331521</cbc:ID></cac:PartyIdentification>'
        f"</cac:Party></cac:AccountingSupplierParty><cac:TaxTotal>{_amount('TaxAmount', doc.tax)}{rows}</cac:TaxTotal>"
        f"{withheld if doc.withheld else ''}{_ubl_totals(doc)}{lines}</Invoice>"
    ).encode()


def _ram(name: str, value: object) -> str:
    return f"<ram:{name}>{value}</ram:{name}>"


def _cii_tax(name: str, rate: Decimal, base: str = "", amount: str = "") -> str:
    code = "S" if rate else "Z"
    inner = f"<ram:TypeCode>VAT</ram:TypeCode>{base}<ram:CategoryCode>{code}</ram:CategoryCode>"
    return f"<ram:{name}>{amount}{inner}{_ram('RateApplicablePercent', rate)}</ram:{name}>"


def _cii_allowance(is_charge: bool, amount: Decimal, rest: str = "") -> str:
    flag = f"<ram:ChargeIndicator><udt:Indicator>{str(is_charge).lower()}</udt:Indicator></ram:ChargeIndicator>"
    inner = f"{flag}{_ram('ActualAmount', amount)}{_ram('Reason', 'R')}{rest}"
    return _ram("SpecifiedTradeAllowanceCharge", inner) if amount else ""


def cii(doc: Document) -> bytes:
    """The document in CII of EN 16931."""
    first = _cii_tax("CategoryTradeTax", doc.rows[0].rate)
    lines = "".join(
        "<ram:IncludedSupplyChainTradeLineItem><ram:AssociatedDocumentLineDocument>"
        f"{_ram('LineID', number)}</ram:AssociatedDocumentLineDocument>"
        f"{_ram('SpecifiedTradeProduct', _ram('Name', 'Fabric'))}<ram:SpecifiedLineTradeAgreement>"
        f"{_ram('NetPriceProductTradePrice', _ram('ChargeAmount', row.price))}</ram:SpecifiedLineTradeAgreement>"
        f'<ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="MTR">{row.quantity}</ram:BilledQuantity>'
        f"</ram:SpecifiedLineTradeDelivery><ram:SpecifiedLineTradeSettlement>{_cii_tax('ApplicableTradeTax', row.rate)}"
        f"{_cii_allowance(False, row.discount)}<ram:SpecifiedTradeSettlementLineMonetarySummation>"
        f"{_ram('LineTotalAmount', row.net)}</ram:SpecifiedTradeSettlementLineMonetarySummation>"
        "</ram:SpecifiedLineTradeSettlement></ram:IncludedSupplyChainTradeLineItem>"
        for number, row in enumerate(doc.rows, 1)
    )
    taxes = "".join(
        _cii_tax("ApplicableTradeTax", rate, _ram("BasisAmount", base), _ram("CalculatedAmount", tax))
        for rate, (base, tax) in doc.vat.items()
    )
    totals = {
        "LineTotalAmount": doc.lines,
        "ChargeTotalAmount": doc.charge,
        "AllowanceTotalAmount": doc.allowance,
        "TaxBasisTotalAmount": doc.exclusive,
        'TaxTotalAmount currencyID="EUR"': doc.tax,
        "RoundingAmount": doc.rounding,
        "GrandTotalAmount": doc.inclusive,
        "TotalPrepaidAmount": doc.prepaid,
        "DuePayableAmount": doc.payable,
    }
    sums = "".join(f"<ram:{name}>{value:.2f}</ram:{name.split()[0]}>" for name, value in totals.items())
    return (
        f"<rsm:CrossIndustryInvoice {_CII_ROOT}><rsm:ExchangedDocument>{_ram('ID', 'A1')}{_ram('TypeCode', 380)}"
        f"</rsm:ExchangedDocument><rsm:SupplyChainTradeTransaction>{lines}<ram:ApplicableHeaderTradeSettlement>"
        f"{_ram('InvoiceCurrencyCode', 'EUR')}{taxes}{_cii_allowance(False, doc.allowance, first)}"
        f"{_cii_allowance(True, doc.charge, first)}<ram:SpecifiedTradeSettlementHeaderMonetarySummation>{sums}"
        "</ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement>"
        "</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>"
    ).encode()


def inv01(doc: Document) -> bytes:
    """The document in INV-01: CGST and SGST of each item."""
    items, sums = [], dict.fromkeys(("AssVal", "CgstVal", "SgstVal"), Decimal(0))
    for number, row in enumerate(doc.rows, 1):
        half = (row.net * row.rate / 200).quantize(CENT, doc.mode)
        items.append(
            {"SlNo": str(number), "PrdDesc": "Fabric", "IsServc": "N", "HsnCd": "5208", "Qty": row.quantity}
            | {"Unit": "MTR", "UnitPrice": row.price, "TotAmt": row.net + row.discount, "Discount": row.discount}
            | {"AssAmt": row.net, "GstRt": row.rate, "IgstAmt": Decimal(0), "CgstAmt": half, "SgstAmt": half}
            | {"TotItemVal": row.net + 2 * half}
        )
        for key, value in zip(sums, (row.net, half, half), strict=True):
            sums[key] += value
    payable = sum(sums.values(), Decimal(0))
    rounding = payable.quantize(Decimal(1), ROUND_HALF_UP) - payable if doc.cash_step else Decimal(0)
    values = sums | {"IgstVal": Decimal(0), "RndOffAmt": rounding, "TotInvVal": payable + rounding}
    document = {
        "Version": "1.1",
        "TranDtls": {"TaxSch": "GST", "SupTyp": "B2B"},
        "DocDtls": {"Typ": "INV", "No": "A/1", "Dt": "30/11/2026"},
        "SellerDtls": {"Gstin": "29AAAAA0000A1Z5", "LglNm": "Seller"},
        "BuyerDtls": {"Gstin": "29AAAAA0000A1Z5", "LglNm": "Buyer", "Pos": "29"},
        "ItemList": items,
        "ValDtls": values,
    }
    return json.dumps(document, default=float).encode()


WRITERS: dict[str, Callable[[Document], bytes]] = {"ubl": ubl, "cii": cii, "ubl-tr": ubl_tr, "inv-01": inv01}


def hybrid(xml: bytes, name: str = "factur-x.xml") -> bytes:
    """A PDF with the XML inside."""
    writer, stream = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.add_attachment(name, xml)
    writer.write(stream)
    return stream.getvalue()
