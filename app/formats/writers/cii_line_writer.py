"""Lines, allowances and taxes in CII."""

from __future__ import annotations

from app.formats.canonical import AllowanceCharge, Item, Line, Price, Tax
from app.formats.values import BATCH, EXPIRY
from app.formats.writers.xml_text import amount_text, element, group, number


def line(of: Line, currency: str | None) -> str:
    """A ``ram:IncludedSupplyChainTradeLineItem``."""
    return group(
        "ram:IncludedSupplyChainTradeLineItem",
        group(
            "ram:AssociatedDocumentLineDocument",
            element("ram:LineID", of.id),
            group("ram:IncludedNote", element("ram:Content", of.note)),
        ),
        _product(of.item),
        group(
            "ram:SpecifiedLineTradeAgreement",
            group("ram:BuyerOrderReferencedDocument", element("ram:LineID", of.order_line)),
            _prices(of.price, of.unit),
        ),
        group("ram:SpecifiedLineTradeDelivery", element("ram:BilledQuantity", number(of.quantity), unitCode=of.unit)),
        group(
            "ram:SpecifiedLineTradeSettlement",
            tax("ram:ApplicableTradeTax", of.tax, currency),
            *(allowance(each, currency) for each in of.allowances),
            group(
                "ram:SpecifiedTradeSettlementLineMonetarySummation",
                element("ram:LineTotalAmount", amount_text(of.net, currency)),
            ),
        ),
    )


def allowance(of: AllowanceCharge, currency: str | None) -> str:
    """An allowance or charge of a line or of the document."""
    return group(
        "ram:SpecifiedTradeAllowanceCharge",
        group("ram:ChargeIndicator", element("udt:Indicator", "true" if of.is_charge else "false")),
        element("ram:CalculationPercent", number(of.percent)),
        element("ram:BasisAmount", amount_text(of.base, currency)),
        element("ram:ActualAmount", amount_text(of.amount, currency)),
        element("ram:ReasonCode", of.reason_code),
        element("ram:Reason", of.reason),
        tax("ram:CategoryTradeTax", of.tax, currency),
    )


def tax(name: str, of: Tax | None, currency: str | None, point: str = "") -> str:
    """A VAT category, with its amounts where it has some, and the element of its date."""
    if of is None:
        return ""
    return group(
        name,
        element("ram:CalculatedAmount", amount_text(of.amount, currency)),
        element("ram:TypeCode", of.type),
        element("ram:ExemptionReason", of.exemption_reason),
        element("ram:BasisAmount", amount_text(of.base, currency)),
        element("ram:CategoryCode", of.category),
        element("ram:ExemptionReasonCode", of.exemption_code),
        point,
        element("ram:RateApplicablePercent", number(of.rate)),
    )


def _product(of: Item) -> str:
    attributes = ((BATCH, of.batch), (EXPIRY, of.expiry))
    return group(
        "ram:SpecifiedTradeProduct",
        element("ram:GlobalID", of.gtin.value, schemeID=of.gtin.scheme) if of.gtin is not None else "",
        element("ram:SellerAssignedID", of.seller_id),
        element("ram:BuyerAssignedID", of.buyer_id),
        element("ram:Name", of.name),
        element("ram:Description", of.description),
        *(
            group("ram:ApplicableProductCharacteristic", element("ram:Description", name), element("ram:Value", value))
            for name, value in attributes
            if value
        ),
        *(
            group("ram:DesignatedProductClassification", element("ram:ClassCode", each.value, listID=each.scheme))
            for each in of.classifications
        ),
        group("ram:OriginTradeCountry", element("ram:ID", of.origin)),
    )


def _prices(of: Price, unit: str | None) -> str:
    base = element("ram:BasisQuantity", number(of.base_quantity), unitCode=unit)
    gross = ""
    if of.gross is not None:
        discount = group(
            "ram:AppliedTradeAllowanceCharge",
            group("ram:ChargeIndicator", element("udt:Indicator", "false")),
            element("ram:ActualAmount", number(of.discount)),
        )
        charge = element("ram:ChargeAmount", number(of.gross))
        gross = group("ram:GrossPriceProductTradePrice", charge, base, discount)
    return gross + group("ram:NetPriceProductTradePrice", element("ram:ChargeAmount", number(of.net)), base)
