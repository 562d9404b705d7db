"""Lines, allowances, charges and taxes of UBL documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.formats.canonical import AllowanceCharge, Identifier, Item, Line, Price, Tax, TaxTotal
from app.formats.readers.price_discounts import of_price
from app.formats.values import BATCH, EXPIRY, ValueReader, is_true
from app.formats.xml_tree import Node

#: Parts of lines may have parts, in the extension of XRechnung.
_PARTS = ("SubInvoiceLine", "SubCreditNoteLine")
#: The scheme of a GTIN in UBL-TR.
GTIN = "GTIN"


def read_lines(node: Node, values: ValueReader, parent: str | None = None) -> Iterator[Line]:
    """The line in a ``cac:InvoiceLine`` or ``cac:CreditNoteLine``, then its parts."""
    line = _line(node, values, parent)
    yield line
    for name in _PARTS:
        for part in node.all(name):
            yield from read_lines(part, values, line.id or "")


def _line(node: Node, values: ValueReader, parent: str | None) -> Line:
    is_credit = node.name.endswith("CreditNoteLine")
    name = "CreditedQuantity" if is_credit else "InvoicedQuantity"
    quantity, item = node.find(name), node.find("Item")
    return Line(
        id=node.read("ID"),
        note=node.read("Note"),
        order_line=node.read("OrderLineReference/LineID"),
        quantity=values.decimal(node, name),
        unit=quantity.attributes.get("unitCode") if quantity is not None else None,
        price=_price(node.find("Price"), values),
        net=values.decimal(node, "LineExtensionAmount"),
        allowances=read_allowances(node, values),
        tax=_category(item.find("ClassifiedTaxCategory"), values) if item is not None else None,
        taxes=read_taxes(node, "TaxTotal", values),
        withholdings=read_taxes(node, "WithholdingTaxTotal", values),
        item=_item(item) if item is not None else Item(),
        parent=parent,
        is_informative=parent is not None,
    )


def read_allowances(node: Node, values: ValueReader) -> tuple[AllowanceCharge, ...]:
    """The allowances and charges directly below ``node``."""
    return tuple(
        AllowanceCharge(
            is_charge=is_true(each.read("ChargeIndicator")),
            amount=values.decimal(each, "Amount"),
            base=values.decimal(each, "BaseAmount"),
            percent=values.decimal(each, "MultiplierFactorNumeric"),
            reason=each.read("AllowanceChargeReason"),
            reason_code=each.read("AllowanceChargeReasonCode"),
            tax=_category(each.find("TaxCategory"), values),
        )
        for each in node.all("AllowanceCharge")
    )


def read_taxes(node: Node, name: str, values: ValueReader) -> tuple[TaxTotal, ...]:
    """The ``TaxTotal`` or ``WithholdingTaxTotal`` elements directly below ``node``."""
    return tuple(
        TaxTotal(
            amount=values.decimal(each, "TaxAmount"),
            currency=_currency(each.find("TaxAmount")),
            rows=tuple(_row(row, values) for row in each.all("TaxSubtotal")),
        )
        for each in node.all(name)
    )


def _row(node: Node, values: ValueReader) -> Tax:
    category = node.find("TaxCategory")
    rate = values.decimal(category, "Percent") if category is not None else None
    return Tax(
        type=_tax_type(category),
        category=category.read("ID") if category is not None else None,
        rate=values.decimal(node, "Percent") if rate is None else rate,
        base=values.decimal(node, "TaxableAmount"),
        amount=values.decimal(node, "TaxAmount"),
        exemption_code=category.read("TaxExemptionReasonCode") if category is not None else None,
        exemption_reason=category.read("TaxExemptionReason") if category is not None else None,
    )


def _category(node: Node | None, values: ValueReader) -> Tax | None:
    if node is None:
        return None
    return Tax(
        type=_tax_type(node),
        category=node.read("ID"),
        rate=values.decimal(node, "Percent"),
        exemption_code=node.read("TaxExemptionReasonCode"),
        exemption_reason=node.read("TaxExemptionReason"),
    )


def _tax_type(category: Node | None) -> str:
    """GİB's code where there is one; otherwise the scheme, as a rule ``VAT``."""
    if category is None:
        return "VAT"
    return category.read("TaxScheme/TaxTypeCode") or category.read("TaxScheme/ID") or "VAT"


def _currency(node: Node | None) -> str | None:
    return node.attributes.get("currencyID") if node is not None else None


def _price(node: Node | None, values: ValueReader) -> Price:
    if node is None:
        return Price()
    discounts = [
        AllowanceCharge(
            is_charge=is_true(each.read("ChargeIndicator")),
            amount=values.decimal(each, "Amount"),
            base=values.decimal(each, "BaseAmount"),
        )
        for each in node.all("AllowanceCharge")
    ]
    gross = discounts[0].base if discounts else None
    discounts[:1] = [replace(each, base=None) for each in discounts[:1]]  # it is the gross price
    return Price(
        net=values.decimal(node, "PriceAmount"),
        base_quantity=values.decimal(node, "BaseQuantity"),
        gross=gross,
        **of_price(discounts),
    )


def _item(node: Node) -> Item:
    attributes = {each.read("Name"): each.read("Value") for each in node.all("AdditionalItemProperty")}
    codes = [each.find("ItemClassificationCode") for each in node.all("CommodityClassification")]
    extra = [each.find("ID") for each in node.all("AdditionalItemIdentification")]
    return Item(
        name=node.read("Name"),
        description=node.read("Description"),
        seller_id=node.read("SellersItemIdentification/ID"),
        buyer_id=node.read("BuyersItemIdentification/ID"),
        gtin=_gtin(node),
        classifications=tuple(code for each in codes if (code := _coded(each, "listID"))),
        origin=node.read("OriginCountry/IdentificationCode"),
        batch=node.read("ItemInstance/LotIdentification/LotNumberID") or attributes.get(BATCH),
        expiry=node.read("ItemInstance/LotIdentification/ExpiryDate") or attributes.get(EXPIRY),
        serials=tuple(code for each in extra if (code := _coded(each, "schemeID"))),
    )


def _gtin(node: Node) -> Identifier | None:
    """The GTIN; UBL-TR has no element of its own for it, so that it is a number of the manufacturer."""
    maker = _coded(node.find("ManufacturersItemIdentification/ID"), "schemeID")
    standard = _coded(node.find("StandardItemIdentification/ID"), "schemeID")
    return standard or (maker if maker is not None and maker.scheme == GTIN else None)


def _coded(node: Node | None, scheme: str) -> Identifier | None:
    if node is None or not node.text.strip():
        return None
    return Identifier(value=node.text.strip(), scheme=node.attributes.get(scheme) or None)
