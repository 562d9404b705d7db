"""Totals of an invoice: the only place that computes them, both for storage and for display.

Each line is rounded half up to the currency's digits. VAT is computed once for each rate, on the sum of its lines, and
then distributed over these lines. So lines, rates and totals always add up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

HUNDRED = Decimal(100)
ZERO = Decimal(0)
#: Decimals of a unit price: at most, and those that are always shown unless they are zeros.
MAX_PRICE_PLACES, _SHOWN_PLACES = 10, 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line as entered; ``discount`` is the amount for the whole line, ``vat_rate`` is in percent."""

    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    vat_rate: Decimal


@dataclass(frozen=True, slots=True)
class LineSum:
    """Amounts of a line: net (without VAT), its share of the VAT of its rate, and their sum."""

    net: Decimal
    vat: Decimal

    @property
    def total(self) -> Decimal:
        return self.net + self.vat


@dataclass(frozen=True, slots=True)
class RateSum:
    """Net and VAT of all lines of one VAT rate, with the allowances and charges of the document at this rate."""

    rate: Decimal
    net: Decimal
    vat: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """``grand_total`` is ``subtotal`` (after discounts) plus ``tax_total``."""

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
    """Round half up to the currency's digits."""
    return amount.quantize(smallest_unit(digits), ROUND_HALF_UP)


def net_amount(line: Line, digits: int) -> Decimal:
    """Net amount of a line; a negative result, which only the rounding of a price can cause, is zero."""
    return max(ZERO, round_half_up(line.quantity * line.unit_price - line.discount, digits))


def shown_price(line: Line, net: Decimal, digits: int) -> Decimal:
    """The unit price of a line as people read it: at least four decimals, and as many as its net amount needs."""
    for places in range(_SHOWN_PLACES, MAX_PRICE_PLACES):
        rounded = replace(line, unit_price=round_half_up(line.unit_price, places))
        if net_amount(rounded, digits) == net:
            return rounded.unit_price
    return line.unit_price


def compute(
    lines: Sequence[Line],
    digits: int,
    vat_ceilings: Mapping[Decimal, Decimal] | None = None,
    completed: Collection[Decimal] = (),
    adjustments: Mapping[Decimal, Decimal] | None = None,
) -> Totals:
    """The totals of ``lines``.

    Args:
        digits: digits after the decimal point of the currency.
        vat_ceilings: maximum VAT for each rate; a credit note credits at most the VAT that is left.
        completed: rates of which nothing is left after these lines. They take all VAT up to the ceiling; otherwise
            many small credit notes, each rounded on its own, could leave a cent of VAT.
        adjustments: charges less allowances of the whole document for each rate; the rates are those of lines.
    """
    nets = [net_amount(line, digits) for line in lines]
    shares, rates = [ZERO] * len(lines), []
    for rate in sorted({line.vat_rate for line in lines}):
        indexes = [index for index, line in enumerate(lines) if line.vat_rate == rate]
        net = sum((nets[index] for index in indexes), (adjustments or {}).get(rate, ZERO))
        vat = round_half_up(net * rate / HUNDRED, digits)
        if vat_ceilings is not None:
            ceiling = vat_ceilings.get(rate, ZERO)
            vat = ceiling if rate in completed else min(vat, ceiling)
        for index, share in zip(indexes, distribute(vat, [nets[index] for index in indexes], digits), strict=True):
            shares[index] = share
        rates.append(RateSum(rate, net, vat))
    line_sums = tuple(LineSum(net, vat) for net, vat in zip(nets, shares, strict=True))
    return total_of(lines, line_sums, rates, sum((rate.net for rate in rates), ZERO))


def total_of(
    lines: Sequence[Line], line_sums: Sequence[LineSum], rates: Sequence[RateSum], subtotal: Decimal
) -> Totals:
    """The totals of lines whose amounts are known."""
    tax_total = sum((rate.vat for rate in rates), ZERO)
    return Totals(
        lines=tuple(line_sums),
        rates=tuple(rates),
        subtotal=subtotal,
        discount_total=sum((line.discount for line in lines), ZERO),
        tax_total=tax_total,
        grand_total=subtotal + tax_total,
    )


def distribute(amount: Decimal, weights: Sequence[Decimal], digits: int) -> list[Decimal]:
    """Distribute ``amount`` by ``weights`` to the last unit (largest remainder method).

    Each part is rounded down; the parts that lose most by rounding get one unit more.
    """
    unit, total_weight = smallest_unit(digits), sum(weights, ZERO)
    if not total_weight:
        return [amount, *[ZERO] * (len(weights) - 1)]
    exact = [amount * weight / total_weight for weight in weights]
    parts = [part.quantize(unit, ROUND_DOWN) for part in exact]
    left = int((amount - sum(parts, ZERO)) / unit)
    by_loss = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_loss[:left]:
        parts[index] += unit
    return parts


def sum_by_rate(lines: Iterable[tuple[Decimal, Decimal, Decimal]]) -> list[RateSum]:
    """Sums by VAT rate of stored lines; each line is (rate, net amount, VAT amount)."""
    sums: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for rate, net, vat in lines:
        before = sums.get(rate, (ZERO, ZERO))
        sums[rate] = (before[0] + net, before[1] + vat)
    return [RateSum(rate, *sums[rate]) for rate in sorted(sums)]
