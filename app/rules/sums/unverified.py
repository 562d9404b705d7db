"""``unverified_amounts()``: amounts of a document that no rule tells: a change of a cent in them would not be found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from app.rules.sums.equations import Amounts, Equation, System, Variant, broken

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
    amounts = Amounts(system.amounts)
    return [
        name
        for name in system.amounts
        if not name.endswith(_NO_AMOUNTS)
        and name not in system.copies
        and name != _EXCHANGE_RATE
        and any(_is_unseen(name, change, using[name], amounts, system.least) for change in (step, -step))
    ]


def _is_unseen(
    name: str, change: Decimal, equations: list[tuple[Variant, Equation]], amounts: Amounts, least: int
) -> bool:
    """Whether the equations that use an amount hold, or are excused, after the change of it."""
    before = amounts[name]
    amounts[name] = before + change
    wrong: dict[int, tuple[Variant, list[Equation]]] = {}
    for variant, equation in equations:
        if next(broken([equation], amounts, least), None) is not None:
            wrong.setdefault(id(variant), (variant, []))[1].append(equation)
    is_unseen = all(
        variant.tolerates is not None and variant.tolerates(amounts, found) for variant, found in wrong.values()
    )
    amounts[name] = before
    return is_unseen
