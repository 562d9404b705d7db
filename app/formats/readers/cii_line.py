"""Lines, allowances, charges and taxes of CII documents."""

from __future__ import annotations

from app.formats.canonical import AllowanceCharge, Identifier, Item, Line, Price, Tax
from app.formats.readers.cii_party import identifier
from app.formats.readers.price_discounts import of_price
from app.formats.values import BATCH, EXPIRY, ValueReader, is_true, iso_date
from app.formats.xml_tree import Node

_SETTLEMENT = "SpecifiedLineTradeSettlement"
_SUMMATION = "SpecifiedTradeSettlementLineMonetarySummation"
#: Lines that group or explain others (Factur-X EXTENDED).
_INFORMATIVE = frozenset({"GROUP", "INFORMATION"})


def read_line(node: Node, values: ValueReader) -> Line:
    """The line in a ``ram:IncludedSupplyChainTradeLineItem``."""
    settlement = node.find(_SETTLEMENT)
    delivery = node.find("SpecifiedLineTradeDelivery")
    quantity = delivery.find("BilledQuantity") if delivery is not None else None
    product = node.find("SpecifiedTradeProduct")
    return Line(
        id=node.read("AssociatedDocumentLineDocument/LineID"),
        note=node.read("AssociatedDocumentLineDocument/IncludedNote/Content"),
        order_line=node.read("SpecifiedLineTradeAgreement/BuyerOrderReferencedDocument/LineID"),
        quantity=values.decimal(delivery, "BilledQuantity"),
        unit=quantity.attributes.get("unitCode") if quantity is not None else None,
        price=_price(node.find("SpecifiedLineTradeAgreement"), values),
        net=values.decimal(settlement, f"{_SUMMATION}/LineTotalAmount"),
        allowances=read_allowances(settlement, values),
        tax=read_category(settlement.find("ApplicableTradeTax"), values) if settlement is not None else None,
        allowance_total=values.decimal(settlement, f"{_SUMMATION}/TotalAllowanceChargeAmount"),
        item=_item(product) if product is not None else Item(),
        parent=node.read("AssociatedDocumentLineDocument/ParentLineID"),
        is_informative=node.read("AssociatedDocumentLineDocument/LineStatusReasonCode") in _INFORMATIVE,
    )


def read_allowances(node: Node | None, values: ValueReader) -> tuple[AllowanceCharge, ...]:
    """The allowances and charges directly below ``node``; a logistics service is a charge."""
    if node is None:
        return ()
    found = [
        AllowanceCharge(
            is_charge=is_true(each.read("ChargeIndicator/Indicator")),
            amount=values.decimal(each, "ActualAmount"),
            base=values.decimal(each, "BasisAmount"),
            percent=values.decimal(each, "CalculationPercent"),
            reason=each.read("Reason"),
            reason_code=each.read("ReasonCode"),
            tax=read_category(each.find("CategoryTradeTax"), values),
        )
        for each in node.all("SpecifiedTradeAllowanceCharge")
    ]
    found += [
        AllowanceCharge(
            is_charge=True,
            amount=values.decimal(each, "AppliedAmount"),
            reason=each.read("Description"),
            tax=read_category(each.find("AppliedTradeTax"), values),
        )
        for each in node.all("SpecifiedLogisticsServiceCharge")
    ]
    return tuple(found)


def read_category(node: Node | None, values: ValueReader) -> Tax | None:
    """The tax in an element of the type ``ram:TradeTaxType``."""
    if node is None:
        return None
    return Tax(
        type=node.read("TypeCode") or "VAT",
        category=node.read("CategoryCode"),
        rate=values.decimal(node, "RateApplicablePercent"),
        base=values.decimal(node, "BasisAmount"),
        lines_base=values.decimal(node, "LineTotalBasisAmount"),
        allowances_base=values.decimal(node, "AllowanceChargeBasisAmount"),
        amount=values.decimal(node, "CalculatedAmount"),
        exemption_code=node.read("ExemptionReasonCode"),
        exemption_reason=node.read("ExemptionReason"),
    )


def _price(node: Node | None, values: ValueReader) -> Price:
    if node is None:
        return Price()
    net, gross = node.find("NetPriceProductTradePrice"), node.find("GrossPriceProductTradePrice")
    discounts = [
        AllowanceCharge(
            is_charge=is_true(each.read("ChargeIndicator/Indicator")),
            amount=values.decimal(each, "ActualAmount"),
            base=values.decimal(each, "BasisAmount"),
        )
        for each in (gross.all("AppliedTradeAllowanceCharge") if gross is not None else ())
    ]
    return Price(
        net=values.decimal(net, "ChargeAmount"),
        base_quantity=values.decimal(net, "BasisQuantity"),
        gross=values.decimal(gross, "ChargeAmount"),
        **of_price(discounts),
    )


def _item(node: Node) -> Item:
    gtin = identifier(node.find("GlobalID"))
    codes = [each.find("ClassCode") for each in node.all("DesignatedProductClassification")]
    batch = node.find("IndividualTradeProductInstance")
    attributes = {each.read("Description"): each.read("Value") for each in node.all("ApplicableProductCharacteristic")}
    return Item(
        name=node.read("Name"),
        description=node.read("Description"),
        seller_id=node.read("SellerAssignedID"),
        buyer_id=node.read("BuyerAssignedID"),
        gtin=gtin,
        classifications=tuple(
            Identifier(value=each.text.strip(), scheme=each.attributes.get("listID"))
            for each in codes
            if each is not None and each.text.strip()
        ),
        origin=node.read("OriginTradeCountry/ID"),
        batch=batch.read("BatchID") if batch is not None else attributes.get(BATCH),
        expiry=iso_date(batch.read("ExpiryDateTime/DateTimeString") if batch is not None else attributes.get(EXPIRY)),
    )
