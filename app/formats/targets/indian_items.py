"""Items of INV-01: prices with three decimals, discounts before tax, and the taxes of each item."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from app.formats.canonical import Identifier, Invoice, Item, Line, Price, Tax, TaxTotal
from app.formats.targets.neutral import CENT, ZERO, to_cents
from app.formats.unit_codes import uqc_unit

_HUNDRED, _TWO = Decimal(100), Decimal(2)
_MILL = Decimal("0.001")
_RUPEE = "INR"
_SERVICE = "99"
#: Characters that a description cannot have, and its length.
_FORBIDDEN = str.maketrans({'"': "'", "\\": "/"})
_LONGEST = 300


def indian_line(line: Line, place: int, *, discount: Decimal, rate: Decimal | None, is_interstate: bool) -> Line:
    """The item number ``place``.

    The price is rounded up to three decimals; the discount takes the difference off again, so that the taxable amount
    is that of the invoice.

    Args:
        discount: the share of the item in the allowances of the document.
        rate: the exchange rate, if the invoice is not in rupees.
    """
    factor = rate if rate is not None else Decimal(1)
    per = line.price.base_quantity or Decimal(1)
    price = ((line.price.net or ZERO) * factor / per).quantize(_MILL, ROUND_CEILING)
    gross = to_cents((line.quantity or ZERO) * price)
    net = to_cents(((line.net or ZERO) - discount) * factor)
    if rate is not None:
        net = min(net, gross)  # the invoice rounds in its own currency
    tax_rate = (line.tax.rate if line.tax else None) or ZERO
    taxes = item_taxes(net, tax_rate, is_interstate=is_interstate)
    return Line(
        id=str(place),
        quantity=line.quantity,
        unit=uqc_unit(line.unit) if line.unit else None,
        price=Price(net=price, discount=gross - net or None),
        gross=gross,
        net=net,
        total=net + sum((row.amount or ZERO for row in taxes), ZERO),
        tax=Tax(type="GST", rate=tax_rate),
        taxes=(TaxTotal(currency=_RUPEE, rows=taxes),),
        item=_item(line.item),
    )


def item_taxes(net: Decimal, rate: Decimal, *, is_interstate: bool) -> tuple[Tax, ...]:
    """IGST between states; CGST and SGST, equal to the paisa, within a state."""
    whole = to_cents(net * rate / _HUNDRED) if is_interstate else Decimal("0.00")
    half = Decimal("0.00") if is_interstate else to_cents(net * rate / _HUNDRED / _TWO)
    amounts = (("IGST", whole), ("CGST", half), ("SGST", half))
    return tuple(Tax(type=name, rate=rate, base=net, amount=amount) for name, amount in amounts)


def shared_discounts(source: Invoice) -> list[Decimal]:
    """The allowances of the document, shared among the lines that are taxed alike by their amounts, to the cent."""
    shares = [ZERO] * len(source.lines)
    groups: dict[Decimal | None, list[int]] = defaultdict(list)
    for place, line in enumerate(source.lines):
        groups[line.tax.rate if line.tax else None].append(place)
    for each in source.allowances:
        places = groups.get(each.tax.rate if each.tax else None) or list(range(len(source.lines)))
        nets = [source.lines[place].net or ZERO for place in places]
        for place, share in zip(places, _split(each.amount or ZERO, nets), strict=True):
            shares[place] += share
    return shares


def _split(amount: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Parts of ``amount`` in cents; the largest remainders get the cents that are left."""
    whole = sum(weights, ZERO)
    if not whole:
        return [amount, *(ZERO for _ in weights[1:])]
    exact = [amount * weight / whole for weight in weights]
    parts = [each.quantize(CENT, ROUND_FLOOR) for each in exact]
    left = int((amount - sum(parts, ZERO)) / CENT)
    for place in sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])[:left]:
        parts[place] += CENT
    return parts


def _item(item: Item) -> Item:
    code = next((each.value for each in item.classifications if each.scheme in {"HSN", "HS"}), None)
    is_service = item.is_service if item.is_service is not None else bool(code and code.startswith(_SERVICE))
    return Item(
        name=item.name.translate(_FORBIDDEN)[:_LONGEST] if item.name else None,
        gtin=Identifier(value=item.gtin.value) if item.gtin is not None else None,
        classifications=(Identifier(value=code, scheme="HSN"),) if code else (),
        origin=item.origin,
        batch=item.batch,
        expiry=item.expiry if item.batch else None,
        is_service=is_service,
    )
