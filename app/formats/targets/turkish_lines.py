"""Lines and taxes of an invoice as UBL-TR has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from app.formats.canonical import AllowanceCharge, Identifier, Invoice, Item, Line, Price, Tax, TaxTotal
from app.formats.targets.neutral import ZERO, rounded
from app.formats.targets.not_writable import Problem
from app.formats.targets.scenarios import RETURN
from app.formats.unit_codes import gib_unit
from app.kernel.messages import N_

VAT_CODE = "0015"
_HUNDRED = Decimal(100)
#: Decimals of a price that is not for one piece.
_PRICE = Decimal("1E-10")
_CODE = re.compile(r"\d{3}")
#: Schemes of numbers of packs, and what stands for goods without one.
_SCHEMES = frozenset({"KUNYENO", "ILAC", "TIBBICIHAZ", "TELEFON", "TABLET_PC", "DIGER"})
_NO_MEDICINE = Identifier(value="1111111111", scheme="DIGER")


def turkish_line(line: Line, place: int, source: Invoice, *, is_medical: bool) -> Line:
    """The line number ``place``, with its VAT and, if the source says so, its withholding."""
    net = line.net or ZERO
    tax = line.tax or Tax()
    amount = rounded(net * (tax.rate or ZERO) / _HUNDRED, source.currency)
    vat = TaxTotal(amount=amount, currency=source.currency, rows=(turkish_tax(tax, net, amount),))
    return Line(
        id=str(place),
        note=line.note,
        order_line=line.order_line,
        quantity=line.quantity,
        unit=(gib_unit(line.unit) or line.unit) if line.unit else None,
        price=Price(net=_price(line.price)),
        net=line.net,
        allowances=tuple(turkish_allowance(each) for each in line.allowances),
        taxes=(vat,),
        withholdings=line.withholdings,
        item=_item(line.item, is_medical=is_medical),
    )


def turkish_tax(tax: Tax, base: Decimal, amount: Decimal) -> Tax:
    """VAT with GİB's code, and the exemption where the rate is 0."""
    is_exempt = not tax.rate
    return Tax(
        type=VAT_CODE,
        rate=tax.rate or ZERO,
        base=base,
        amount=amount,
        exemption_code=tax.exemption_code if is_exempt else None,
        exemption_reason=tax.exemption_reason if is_exempt and tax.exemption_code else None,
    )


def exemption_problems(source: Invoice, type_: str) -> Iterator[Problem]:
    """Lines at 0 % without GİB's code of the exemption; a return needs none."""
    for place, line in enumerate(source.lines):
        tax = line.tax or Tax()
        if not tax.rate and (tax.exemption_code or type_ != RETURN) and not _CODE.fullmatch(tax.exemption_code or ""):
            text = N_("At a rate of zero the format needs GİB's code of the exemption, such as 301 or 351.")
            yield Problem(f"lines[{place}].tax.exemption_code", text)


def turkish_allowance(each: AllowanceCharge) -> AllowanceCharge:
    """Percents are fractions, and there are no codes of reasons."""
    percent = each.percent / _HUNDRED if each.percent is not None else None
    return AllowanceCharge(
        is_charge=each.is_charge, amount=each.amount, base=each.base, percent=percent, reason=each.reason
    )


def _price(price: Price) -> Decimal | None:
    """The price of one piece: the format has no other."""
    if price.net is None or not price.base_quantity:
        return price.net
    exact = price.net / price.base_quantity
    rounded = exact.quantize(_PRICE, ROUND_HALF_UP)
    return exact if exact == rounded else rounded


def _item(item: Item, *, is_medical: bool) -> Item:
    serials = tuple(each for each in item.serials if each.scheme in _SCHEMES)
    if is_medical and not serials:
        serials = _packs(item) or (_NO_MEDICINE,)
    return Item(
        name=item.name,
        description=item.description,
        seller_id=item.seller_id,
        buyer_id=item.buyer_id,
        gtin=Identifier(value=item.gtin.value, scheme="GTIN") if item.gtin is not None else None,
        classifications=tuple(Identifier(value=each.value) for each in item.classifications[:1]),
        batch=item.batch,
        expiry=item.expiry,
        serials=serials,
    )


def _packs(item: Item) -> tuple[Identifier, ...]:
    """A number for each pack with a serial number, as İTS reads it."""
    if item.gtin is None or item.batch is None or item.expiry is None:
        return ()
    day = item.expiry.replace("-", "")[2:]
    return tuple(
        Identifier(value=f"(GTIN){item.gtin.value}(BN){item.batch}(SN){each.value}(XD){day}", scheme="ILAC")
        for each in item.serials
    )
