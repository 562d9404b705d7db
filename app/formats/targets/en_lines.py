"""Lines, allowances and charges of an invoice as EN 16931 has them."""

from __future__ import annotations

from decimal import Decimal

from app.formats.canonical import AllowanceCharge, Identifier, Item, Line, Price, Tax
from app.formats.targets.neutral import ZERO
from app.formats.unit_codes import en_unit

#: UNTDID 5189 and 7161, where the invoice has no reason of its own.
_DISCOUNT, _CHARGE = ("95", "Discount"), ("ABK", "Miscellaneous")
_GTIN = "0160"
#: Lists of UNTDID 7143; the classification of GST is the harmonised system.
_LISTS = {"HSN": "HS", None: "ZZZ"}
#: A category without a rate: not subject to VAT.
_OUTSIDE = "O"


def en_line(line: Line, place: int) -> Line:
    """The line number ``place``."""
    return Line(
        id=line.id or str(place),
        note=line.note,
        order_line=line.order_line,
        quantity=line.quantity,
        unit=(en_unit(line.unit) or line.unit) if line.unit else None,
        price=_price(line.price),
        net=line.net,
        allowances=tuple(en_allowance(each, None) for each in line.allowances),
        tax=category_of(line.tax),
        item=_item(line.item),
    )


def category_of(tax: Tax | None) -> Tax | None:
    """Category and rate alone; what is outside of VAT has no rate."""
    if tax is None:
        return None
    return Tax(category=tax.category, rate=None if tax.category == _OUTSIDE else tax.rate or ZERO)


def en_allowance(each: AllowanceCharge, tax: Tax | None) -> AllowanceCharge:
    """With a reason (BR-42), and with both base and percent or neither (Peppol R041, R042)."""
    code, reason = _CHARGE if each.is_charge else _DISCOUNT
    has_reason = bool(each.reason or each.reason_code)
    is_computed = each.base is not None and each.percent is not None
    return AllowanceCharge(
        is_charge=each.is_charge,
        amount=each.amount,
        base=each.base if is_computed else None,
        percent=each.percent if is_computed else None,
        reason=(each.reason or None) if has_reason else reason,
        reason_code=(each.reason_code or None) if has_reason else code,
        tax=category_of(tax),
    )


def _price(price: Price) -> Price:
    """The net price; the gross price only with a discount that leads from one to the other (Peppol R046)."""
    base = price.base_quantity if price.base_quantity not in {None, Decimal(1)} else None
    if price.gross is None or price.net is None or price.gross <= price.net:
        return Price(net=price.net, base_quantity=base)
    return Price(net=price.net, base_quantity=base, gross=price.gross, discount=price.gross - price.net)


def _item(item: Item) -> Item:
    gtin = Identifier(value=item.gtin.value, scheme=_GTIN) if item.gtin is not None else None
    codes = (Identifier(value=each.value, scheme=_LISTS.get(each.scheme, each.scheme)) for each in item.classifications)
    return Item(
        name=item.name,
        description=item.description,
        seller_id=item.seller_id,
        buyer_id=item.buyer_id,
        gtin=gtin,
        classifications=tuple(codes),
        origin=item.origin,
        batch=item.batch,
        expiry=item.expiry,
    )
