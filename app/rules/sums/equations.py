"""Equations between the amounts of a document: each amount that follows from others, and the rule that says so.

The functions compute in the decimal context of their caller, which is ``EXACT`` of ``app/rules/decimals.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from app.rules.sums.decimals import Rounding, decimals_of, round_to

ZERO = Decimal(0)


class Amounts(dict[str, Decimal]):
    """The amounts of a document by field, as ``lines[0].net``; a missing one is 0."""

    def __missing__(self, key: str) -> Decimal:
        return ZERO


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """``field`` is the rounded value of ``compute``, which reads the fields ``terms`` and is linear in each."""

    rule: str
    field: str
    terms: tuple[str, ...]
    compute: Callable[[Mapping[str, Decimal]], Decimal]
    rounding: Rounding = Rounding.HALF_UP
    #: Of a plain sum: how often each term counts, so that what one of them changes needs no sum of all.
    weights: Mapping[str, int] | None = None

    def expected(self, amounts: Mapping[str, Decimal], least: int) -> Decimal:
        """The right value, with the decimals of the printed one."""
        return self.rounded(self.compute(amounts), amounts, least)

    def rounded(self, value: Decimal, amounts: Mapping[str, Decimal], least: int) -> Decimal:
        """A computed value with the decimals of the printed one."""
        return round_to(value, max(least, decimals_of(amounts[self.field])), self.rounding)

    def holds(self, amounts: Mapping[str, Decimal], least: int) -> bool:
        return amounts[self.field] == self.expected(amounts, least)


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to compute some of the amounts: a name for the answer, and its equations."""

    #: Empty for the usual way, which the answer does not name.
    name: str
    equations: list[Equation]
    #: Whether a broken equation is within a tolerance that the way allows.
    tolerates: Callable[[Mapping[str, Decimal], list[Equation]], bool] | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """Ways to compute the same amounts, in the order in which they are tried."""

    variants: list[Variant]


@dataclass(frozen=True, slots=True)
class System:
    """All equations of a document. ``least`` is the number of decimals that an amount has at least."""

    amounts: Amounts
    families: list[Family]
    least: int
    #: Fields that a reader derives from others, so that a document does not have them.
    copies: frozenset[str] = frozenset()
    #: Names of rules that hold whatever the variants are.
    names: list[str] = field(default_factory=list)


def total(rule: str, name: str, plus: Iterable[str], minus: Iterable[str] = ()) -> Equation:
    """``name`` is a sum."""
    added, taken = tuple(plus), tuple(minus)

    def compute(amounts: Mapping[str, Decimal]) -> Decimal:
        return sum_of(amounts[each] for each in added) - sum_of(amounts[each] for each in taken)

    weights = Counter(added)
    weights.subtract(taken)
    return Equation(rule, name, added + taken, compute, weights=weights)


def percentage(rule: str, name: str, base: str, percent: str, rounding: Rounding = Rounding.HALF_UP) -> Equation:
    """``name`` is so many percent of ``base``."""
    return Equation(rule, name, (base, percent), lambda amounts: percent_of(amounts[base], amounts[percent]), rounding)


def percent_of(base: Decimal, percent: Decimal) -> Decimal:
    return (base * percent).scaleb(-2)


def sum_of(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def broken(equations: Iterable[Equation], amounts: Mapping[str, Decimal], least: int) -> Iterator[Equation]:
    """The equations that do not hold."""
    return (each for each in equations if not each.holds(amounts, least))
