"""``unverified_amounts()``: amounts of a document that no rule tells: a change of a cent in them would not be found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from app.rules.sums.equations import Amounts, Equation, System, Variant

#: Ends of fields that are no amounts of money.
_NO_AMOUNTS = (".quantity", ".rate", ".percent", ".base_quantity")
_EXCHANGE_RATE = "exchange_rate"


def unverified_amounts(ways: Sequence[Variant], system: System) -> list[str]:
    """The fields of the amounts that may be a cent more or less, and every equation of the ways still holds."""
    using: dict[str, list[tuple[Variant, Equation]]] = defaultdict(list)
    for variant in ways:
        for equation in variant.equations:
            for name in {equation.field, *equation.terms}:
                using[name].append((variant, equation))
    step = Decimal(1).scaleb(-system.least)
    amounts, sums = Amounts(system.amounts), _Sums(system.amounts, system.least)
    return [
        name
        for name in system.amounts
        if not name.endswith(_NO_AMOUNTS)
        and name not in system.copies
        and name != _EXCHANGE_RATE
        and any(_is_unseen(name, change, using[name], amounts, sums) for change in (step, -step))
    ]


class _Sums:
    """The sums of a document, each computed once: a document of thousands of lines has as many terms in each."""

    def __init__(self, amounts: Amounts, least: int) -> None:
        self._amounts, self._least = amounts, least
        self._values: dict[Equation, Decimal] = {}

    def holds(self, equation: Equation, name: str, change: Decimal, amounts: Amounts) -> bool:
        """Whether an equation holds after the change of one amount; ``amounts`` has it already."""
        if equation.weights is None:
            return equation.holds(amounts, self._least)
        if equation not in self._values:
            self._values[equation] = equation.compute(self._amounts)
        value = self._values[equation] + change * equation.weights.get(name, 0)
        return amounts[equation.field] == equation.rounded(value, amounts, self._least)


def _is_unseen(
    name: str, change: Decimal, equations: list[tuple[Variant, Equation]], amounts: Amounts, sums: _Sums
) -> bool:
    """Whether the equations that use an amount hold, or are excused, after the change of it."""
    before = amounts[name]
    amounts[name] = before + change
    wrong: dict[int, tuple[Variant, list[Equation]]] = {}
    for variant, equation in equations:
        if not sums.holds(equation, name, change, amounts):
            wrong.setdefault(id(variant), (variant, []))[1].append(equation)
    is_unseen = all(
        variant.tolerates is not None and variant.tolerates(amounts, found) for variant, found in wrong.values()
    )
    amounts[name] = before
    return is_unseen
