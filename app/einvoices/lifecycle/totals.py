"""What an invoice amounts to: the one place that computes it, for storing and for showing alike.

A line is rounded half up to the currency's digits first; VAT is computed once for each rate on the sum of its lines
and then shared out to them, so that lines, rates and the whole always add up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

HUNDRED = Decimal(100)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """What is sold; ``discount`` is for the whole line, ``vat_rate`` in percent."""

    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    vat_rate: Decimal


@dataclass(frozen=True, slots=True)
class LineSum:
    """A line without VAT, its share of the rate's VAT, and both together."""

    net: Decimal
    vat: Decimal

    @property
    def total(self) -> Decimal:
        return self.net + self.vat


@dataclass(frozen=True, slots=True)
class RateSum:
    """All lines of one VAT rate."""

    rate: Decimal
    net: Decimal
    vat: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """``grand_total`` is ``subtotal`` (discounts are off already) and ``tax_total``."""

    lines: tuple[LineSum, ...]
    rates: tuple[RateSum, ...]
    subtotal: Decimal
    discount_total: Decimal
    tax_total: Decimal
    grand_total: Decimal


def smallest_unit(digits: int) -> Decimal:
    """The smallest amount of a currency: 0.01 for two digits."""
    return Decimal(1).scaleb(-digits)


def round_half_up(amount: Decimal, digits: int) -> Decimal:
    """Half up to the currency's digits."""
    return amount.quantize(smallest_unit(digits), ROUND_HALF_UP)


def net_amount(line: Line, digits: int) -> Decimal:
    """A line without VAT; less than half a unit below zero, which only a rounded price can come to, is zero."""
    return max(ZERO, round_half_up(line.quantity * line.unit_price - line.discount, digits))


def compute(
    lines: Sequence[Line],
    digits: int,
    vat_ceilings: Mapping[Decimal, Decimal] | None = None,
    completed: Collection[Decimal] = (),
) -> Totals:
    """The totals of ``lines``.

    Args:
        digits: how many digits after the point the currency has.
        vat_ceilings: the most VAT that each rate may come to; a credit note gives back no more than is left.
        completed: rates of which nothing is left after this, so that they take all VAT up to the ceiling: many
            small notes, each rounded for itself, would otherwise keep a cent of it.
    """
    nets = [net_amount(line, digits) for line in lines]
    shares, rates = [ZERO] * len(lines), []
    for rate in sorted({line.vat_rate for line in lines}):
        places = [place for place, line in enumerate(lines) if line.vat_rate == rate]
        net = sum((nets[place] for place in places), ZERO)
        vat = round_half_up(net * rate / HUNDRED, digits)
        if vat_ceilings is not None:
            most = vat_ceilings.get(rate, ZERO)
            vat = most if rate in completed else min(vat, most)
        for place, share in zip(places, distribute(vat, [nets[place] for place in places], digits), strict=True):
            shares[place] = share
        rates.append(RateSum(rate, net, vat))
    subtotal, tax_total = sum(nets, ZERO), sum((rate.vat for rate in rates), ZERO)
    return Totals(
        lines=tuple(LineSum(net, vat) for net, vat in zip(nets, shares, strict=True)),
        rates=tuple(rates),
        subtotal=subtotal,
        discount_total=sum((line.discount for line in lines), ZERO),
        tax_total=tax_total,
        grand_total=subtotal + tax_total,
    )


def distribute(amount: Decimal, weights: Sequence[Decimal], digits: int) -> list[Decimal]:
    """``amount`` shared out by ``weights`` to the last unit: those who lose most by rounding down get one more."""
    unit, whole = smallest_unit(digits), sum(weights, ZERO)
    if not whole:
        return [amount, *[ZERO] * (len(weights) - 1)]
    exact = [amount * weight / whole for weight in weights]
    parts = [part.quantize(unit, ROUND_DOWN) for part in exact]
    left = int((amount - sum(parts, ZERO)) / unit)
    by_loss = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_loss[:left]:
        parts[place] += unit
    return parts


def sum_by_rate(lines: Iterable[tuple[Decimal, Decimal, Decimal]]) -> list[RateSum]:
    """The summary by rate of stored lines, each a rate, a net amount and a VAT amount."""
    sums: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for rate, net, vat in lines:
        before = sums.get(rate, (ZERO, ZERO))
        sums[rate] = (before[0] + net, before[1] + vat)
    return [RateSum(rate, *sums[rate]) for rate in sorted(sums)]
