"""Equations of a line: net amount from quantity, price, allowances and charges; the tolerance of Peppol R120."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from app.rules.sums.decimals import Rounding, decimals_of, round_to
from app.rules.sums.equations import ZERO, Equation, percent_of, sum_of
from app.rules.sums.tax_groups import Members

#: Peppol's rule PEPPOL-EN16931-R120.
_TOLERANCE = Decimal("0.02")
_CENT = Decimal("0.01")
_HALF_STEP = Decimal("0.5")
_DECIMALS_OF_CENT = 2


def net_equation(
    rule: str,
    line: str,
    *,
    allowances: tuple[str, ...],
    charges: tuple[str, ...],
    per: bool,
    price_kind: str = "net",
) -> Equation:
    """Net amount = quantity × price ÷ base quantity − allowances + charges.

    Args:
        line: the field of the line, as ``lines[0]``.
        per: whether the price has a base quantity.
        price_kind: ``net`` or ``gross``.
    """
    quantity, price, base = f"{line}.quantity", f"{line}.price.{price_kind}", f"{line}.price.base_quantity"

    def compute(amounts: Mapping[str, Decimal]) -> Decimal:
        value = amounts[quantity] * amounts[price]
        if per:
            value /= amounts[base]
        return value - sum_of(amounts[each] for each in allowances) + sum_of(amounts[each] for each in charges)

    terms = (quantity, price, *((base,) if per else ()), *allowances, *charges)
    return Equation(rule, f"{line}.net", terms, compute)


@dataclass(frozen=True, slots=True)
class LineRounding:
    """How the tax of a line is rounded: as a whole, or in ``parts`` that are equal, as CGST and SGST are."""

    rounding: Rounding
    least: int
    parts: int = 1

    def tax(self, base: Decimal, percent: Decimal) -> Decimal:
        """The rounded tax of one line."""
        return round_to(percent_of(base, percent) / self.parts, self.least, self.rounding) * self.parts


def per_line_equation(
    name: str, members: Members, rate: Decimal | None, way: LineRounding, rule: str = "BR-CO-17"
) -> Equation:
    """A tax amount is the sum of the rounded taxes of its lines."""
    added, taken = members
    percent = rate or ZERO

    def compute(amounts: Mapping[str, Decimal]) -> Decimal:
        plus = sum_of(way.tax(amounts[field], percent) for field in added)
        return plus - sum_of(way.tax(amounts[field], percent) for field in taken)

    return Equation(rule, name, (*added, *taken), compute)


def rounded(equations: list[Equation], rounding: Rounding) -> list[Equation]:
    """The same equations with another rounding."""
    return [replace(each, rounding=rounding) for each in equations]


def line_tolerance(
    least: int, informative: frozenset[str] = frozenset()
) -> Callable[[Mapping[str, Decimal], list[Equation]], bool]:
    """Whether net amounts that differ from quantity × price keep R120.

    Prices are printed with fewer decimals than they were computed with, so that lines differ by no more than the price
    hides. A single line that differs otherwise, by what one changed cent of it explains, is a fault and no tolerance.
    ``informative`` are net amounts that no total counts, so that nothing else would find a changed one.
    """

    def tolerates(amounts: Mapping[str, Decimal], wrong: list[Equation]) -> bool:
        if not all(_difference(each, amounts) <= _TOLERANCE for each in wrong):
            return False
        unexplained = [each for each in wrong if not _is_hidden_by_price(each, amounts, least)]
        suspects = unexplained if len(wrong) > 1 else wrong
        return len(suspects) != 1 or not _is_one_cent(suspects[0], amounts, informative)

    return tolerates


def rounded_price(amounts: Mapping[str, Decimal], wrong: list[Equation]) -> bool:
    """Whether each line that differs from quantity × price was computed with a price of more decimals.

    The price is printed with two decimals, as 4.10 for 4.095, so that 20 pieces are 81.90. A price of which a cent was
    changed explains no such line: the price before it was rounded is half a cent from the printed one at most.
    """
    return all(_follows_from_price(each, amounts) for each in wrong)


def _follows_from_price(equation: Equation, amounts: Mapping[str, Decimal]) -> bool:
    if any(".allowances[" in term for term in equation.terms):
        return False  # nothing else would find a changed allowance
    factor = _factor(equation, amounts)
    if not factor:
        return False
    exact, price = amounts[equation.field] / factor, amounts[equation.terms[1]]
    decimals = max(_DECIMALS_OF_CENT, decimals_of(price.normalize()))
    return round_to(exact, decimals, Rounding.HALF_UP) == price


def _difference(equation: Equation, amounts: Mapping[str, Decimal]) -> Decimal:
    return abs(amounts[equation.field] - equation.compute(amounts))


def _is_hidden_by_price(equation: Equation, amounts: Mapping[str, Decimal], least: int) -> bool:
    """Whether a price that is printed the same, but has more decimals, gives the printed net amount."""
    got, price = amounts[equation.field], equation.terms[1]
    half = _HALF_STEP.scaleb(-max(least, decimals_of(amounts[price])))
    step = abs(half * _factor(equation, amounts))
    exact = equation.compute(amounts)
    decimals = max(least, decimals_of(got))
    smallest = Decimal(1).scaleb(-40)
    low = round_to(exact - step, decimals, Rounding.HALF_UP)
    high = round_to(exact + step - smallest, decimals, Rounding.HALF_UP)
    return low <= got <= high


def _is_one_cent(equation: Equation, amounts: Mapping[str, Decimal], informative: frozenset[str]) -> bool:
    difference = _difference(equation, amounts)
    causes = {abs(_CENT * _factor(equation, amounts))}
    has_other_amounts = any(".allowances[" in term for term in equation.terms)
    causes |= {_CENT} if has_other_amounts or equation.field in informative else set()
    return any(abs(difference - cause) <= _CENT * _HALF_STEP for cause in causes)


def _factor(equation: Equation, amounts: Mapping[str, Decimal]) -> Decimal:
    """By what the price is multiplied."""
    quantity, _, *others = equation.terms
    base = next((amounts[each] for each in others if each.endswith("base_quantity")), Decimal(1))
    return amounts[quantity] / base
