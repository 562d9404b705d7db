"""Lines, allowances and taxes in UBL, of EN 16931 and of UBL-TR."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.formats.canonical import AllowanceCharge, Identifier, Item, Line, Price, Tax, TaxTotal
from app.formats.readers.ubl_line import GTIN
from app.formats.values import BATCH, EXPIRY
from app.formats.writers.xml_text import amount_text, element, group, number

#: Names of GİB's codes of taxes that the hub writes.
_TAX_NAMES = {"0015": "KDV"}


@dataclass(frozen=True, slots=True)
class UblSyntax:
    """What the elements depend on: the currency, and whether they are those of UBL-TR or of a credit note."""

    currency: str | None
    is_turkish: bool = False
    is_credit_note: bool = False

    def amount(self, name: str, value: Decimal | None) -> str:
        """An element with an amount in the currency of the invoice."""
        return element(name, amount_text(value, self.currency), currencyID=self.currency)


def line(of: Line, syntax: UblSyntax) -> str:
    """A ``cac:InvoiceLine`` or ``cac:CreditNoteLine``."""
    kind, quantity = ("CreditNote", "Credited") if syntax.is_credit_note else ("Invoice", "Invoiced")
    return group(
        f"cac:{kind}Line",
        element("cbc:ID", of.id),
        element("cbc:Note", of.note),
        element(f"cbc:{quantity}Quantity", number(of.quantity), unitCode=of.unit),
        syntax.amount("cbc:LineExtensionAmount", of.net),
        group("cac:OrderLineReference", element("cbc:LineID", of.order_line)),
        *(allowance(each, syntax) for each in of.allowances),
        *(tax_total("cac:TaxTotal", each, syntax) for each in of.taxes),
        *(tax_total("cac:WithholdingTaxTotal", each, syntax) for each in of.withholdings),
        _item(of, syntax),
        _price(of.price, of.unit, syntax),
    )


def allowance(of: AllowanceCharge, syntax: UblSyntax) -> str:
    """An allowance or charge of a line or of the document."""
    return group(
        "cac:AllowanceCharge",
        element("cbc:ChargeIndicator", "true" if of.is_charge else "false"),
        element("cbc:AllowanceChargeReasonCode", of.reason_code),
        element("cbc:AllowanceChargeReason", of.reason),
        element("cbc:MultiplierFactorNumeric", number(of.percent)),
        syntax.amount("cbc:Amount", of.amount),
        syntax.amount("cbc:BaseAmount", of.base),
        category("cac:TaxCategory", of.tax) if of.tax is not None else "",
    )


def tax_total(name: str, of: TaxTotal, syntax: UblSyntax) -> str:
    """The sum of taxes with its rows."""
    rows = (_turkish_row(row, syntax) if syntax.is_turkish else _row(row, syntax) for row in of.rows)
    return group(name, element("cbc:TaxAmount", amount_text(of.amount, of.currency), currencyID=of.currency), *rows)


def category(name: str, of: Tax) -> str:
    """A VAT category of EN 16931."""
    return group(
        name,
        element("cbc:ID", of.category),
        element("cbc:Percent", number(of.rate)),
        element("cbc:TaxExemptionReasonCode", of.exemption_code),
        element("cbc:TaxExemptionReason", of.exemption_reason),
        group("cac:TaxScheme", element("cbc:ID", of.type)),
    )


def _row(of: Tax, syntax: UblSyntax) -> str:
    return group(
        "cac:TaxSubtotal",
        syntax.amount("cbc:TaxableAmount", of.base),
        syntax.amount("cbc:TaxAmount", of.amount),
        category("cac:TaxCategory", of),
    )


def _turkish_row(of: Tax, syntax: UblSyntax) -> str:
    """A row of UBL-TR: the percent is that of the row, without zeros at its end, which GİB compares as a text."""
    scheme = group(
        "cac:TaxScheme",
        element("cbc:Name", _TAX_NAMES.get(of.type)),
        element("cbc:TaxTypeCode", of.type),
    )
    return group(
        "cac:TaxSubtotal",
        syntax.amount("cbc:TaxableAmount", of.base),
        syntax.amount("cbc:TaxAmount", of.amount),
        element("cbc:Percent", number(of.rate)),
        group(
            "cac:TaxCategory",
            element("cbc:TaxExemptionReasonCode", of.exemption_code),
            element("cbc:TaxExemptionReason", of.exemption_reason),
            scheme,
        ),
    )


def _item(line: Line, syntax: UblSyntax) -> str:
    of = line.item
    gtin = of.gtin
    trade_number = ""
    if gtin is not None:
        holder, scheme = ("Manufacturers", GTIN) if syntax.is_turkish else ("Standard", gtin.scheme)
        trade_number = group(f"cac:{holder}ItemIdentification", element("cbc:ID", gtin.value, schemeID=scheme))
    return group(
        "cac:Item",
        element("cbc:Description", of.description),
        element("cbc:Name", of.name),
        group("cac:BuyersItemIdentification", element("cbc:ID", of.buyer_id)),
        group("cac:SellersItemIdentification", element("cbc:ID", of.seller_id)),
        trade_number,
        *(group("cac:AdditionalItemIdentification", _coded("cbc:ID", each, "schemeID")) for each in of.serials),
        group("cac:OriginCountry", element("cbc:IdentificationCode", of.origin)) if not syntax.is_turkish else "",
        *(
            group("cac:CommodityClassification", _coded("cbc:ItemClassificationCode", each, "listID"))
            for each in of.classifications
        ),
        category("cac:ClassifiedTaxCategory", line.tax) if line.tax is not None else "",
        _lot(of) if syntax.is_turkish else _attributes(of),
    )


def _attributes(of: Item) -> str:
    """Batch and expiry as attributes of the item (BG-32)."""
    pairs = ((BATCH, of.batch), (EXPIRY, of.expiry))
    return "".join(
        group("cac:AdditionalItemProperty", element("cbc:Name", name), element("cbc:Value", value))
        for name, value in pairs
        if value
    )


def _lot(of: Item) -> str:
    lot = group(
        "cac:LotIdentification",
        element("cbc:LotNumberID", of.batch),
        element("cbc:ExpiryDate", of.expiry),
    )
    return group("cac:ItemInstance", lot)


def _price(of: Price, unit: str | None, syntax: UblSyntax) -> str:
    discount = ""
    if of.gross is not None:
        discount = group(
            "cac:AllowanceCharge",
            element("cbc:ChargeIndicator", "false"),
            element("cbc:Amount", number(of.discount), currencyID=syntax.currency),
            element("cbc:BaseAmount", number(of.gross), currencyID=syntax.currency),
        )
    return group(
        "cac:Price",
        element("cbc:PriceAmount", number(of.net), currencyID=syntax.currency),
        element("cbc:BaseQuantity", number(of.base_quantity), unitCode=unit),
        discount,
    )


def _coded(name: str, of: Identifier, attribute: str) -> str:
    return element(name, of.value, **{attribute: of.scheme})
