"""Prices that include VAT: lines and totals without it, whose sum is the same amount to the last unit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, ROUND_UP, Decimal

from app.einvoices.lifecycle import totals
from app.einvoices.lifecycle.totals import HUNDRED, ZERO, Line, LineSum, RateSum, Totals, round_half_up, smallest_unit

#: Smallest step of a unit price.
PRICE_STEP = smallest_unit(totals.MAX_PRICE_PLACES)


def take_out_vat(lines: Sequence[Line], digits: int) -> tuple[list[Line], Totals]:
    """The lines without VAT, and their totals; ``lines`` have prices and discounts with VAT.

    The total of each line, and so the grand total, stays as it was. The VAT of a rate is the one that its net amount
    gives (as in ``totals.compute``) wherever a net amount exists that leads to this total. Otherwise it differs by the
    smallest unit: at 20 %, 0.02 and 0.03 without VAT become 0.02 and 0.04, and nothing becomes 0.03.
    """
    gross = [totals.net_amount(line, digits) for line in lines]
    nets, rates = [ZERO] * len(lines), []
    for rate in sorted({line.vat_rate for line in lines}):
        indexes = [index for index, line in enumerate(lines) if line.vat_rate == rate]
        amount = sum((gross[index] for index in indexes), ZERO)
        net = net_of(amount, rate, digits)
        parts = totals.distribute(net, [gross[index] for index in indexes], digits)
        for index, part in zip(indexes, parts, strict=True):
            nets[index] = part
        rates.append(RateSum(rate, net, amount - net))
    split = [_net_line(line, net, digits) for line, net in zip(lines, nets, strict=True)]
    subtotal, grand_total = sum(nets, ZERO), sum(gross, ZERO)
    return split, Totals(
        lines=tuple(LineSum(net, amount - net) for net, amount in zip(nets, gross, strict=True)),
        rates=tuple(rates),
        subtotal=subtotal,
        discount_total=sum((line.discount for line in split), ZERO),
        tax_total=grand_total - subtotal,
        grand_total=grand_total,
    )


def net_of(amount: Decimal, rate: Decimal, digits: int) -> Decimal:
    """The net amount of ``amount`` with VAT.

    Wherever some net amount gives exactly ``amount``, it is this one: the rounding of its VAT moves the quotient by
    less than half a unit.
    """
    return round_half_up(amount * HUNDRED / (HUNDRED + rate), digits)


def _net_line(line: Line, net: Decimal, digits: int) -> Line:
    """The line with a price without VAT: the exact one, or, where rounding forbids it, one that gives ``net``."""
    exact = (line.unit_price * HUNDRED / (HUNDRED + line.vat_rate)).quantize(PRICE_STEP, ROUND_HALF_UP)
    discount = round_half_up(line.quantity * exact, digits) - net
    if discount == 0 or (line.discount and discount > 0):
        return Line(line.quantity, exact, discount, line.vat_rate)
    price = (net / line.quantity).quantize(PRICE_STEP, ROUND_HALF_UP)
    if round_half_up(line.quantity * price, digits) != net:  # a step of the price is more than the smallest unit
        price = (net / line.quantity).quantize(PRICE_STEP, ROUND_UP)
    return Line(line.quantity, price, round_half_up(line.quantity * price, digits) - net, line.vat_rate)
