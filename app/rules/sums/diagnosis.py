"""``diagnose()``: the smallest set of amounts whose correction makes all equations hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from app.rules.sums.decimals import Rounding, decimals_of, round_to
from app.rules.sums.equations import ZERO, Amounts, Equation, broken

#: How many amounts of a document may be wrong before each broken equation is answered by itself.
_MOST_WRONG = 3
#: Terms that are added up in a search (a second or less), and terms of one equation that are candidates.
_MOST_WORK, _MOST_TERMS = 1_000_000, 60


@dataclass(frozen=True, slots=True)
class Correction:
    """A wrong amount, the right one, and the rule that tells."""

    field: str
    got: Decimal
    expected: Decimal
    rule: str


def diagnose(equations: list[Equation], amounts: Amounts, least: int) -> list[Correction]:
    """The corrections that mend ``amounts``; few if that can be, otherwise one for each broken equation."""
    wrong = list(broken(equations, amounts, least))
    if not wrong:
        return []
    search = _Search(equations, Amounts(amounts), least)
    for depth in range(1, _MOST_WRONG + 1):
        found = search.run(wrong, depth)
        if found is not None:
            return found
    results = {each.field: each for each in reversed(wrong)}
    return [
        Correction(name, amounts[name], each.expected(amounts, least), each.rule)
        for name, each in reversed(results.items())
    ]


class _Search:
    def __init__(self, equations: list[Equation], amounts: Amounts, least: int) -> None:
        self._amounts = amounts
        self._least = least
        self._work = 0
        self._using: dict[str, list[Equation]] = defaultdict(list)
        for each in equations:
            for name in dict.fromkeys((each.field, *each.terms)):
                self._using[name].append(each)

    def run(self, wrong: list[Equation], depth: int) -> list[Correction] | None:
        """At most ``depth`` corrections after which no equation is broken."""
        first = wrong[0]
        candidates = dict.fromkeys((first.field, *first.terms[:_MOST_TERMS]))
        if depth == 1:
            candidates = {name: None for name in candidates if all(name in (e.field, *e.terms) for e in wrong)}
        for name in candidates:
            for value, rule in self._proposals(name, wrong):
                self._work += sum(len(each.terms) for each in self._using[name])
                if self._work > _MOST_WORK:
                    return None
                found = self._attempt(name, value, rule, wrong, depth)
                if found is not None:
                    return found
        return None

    def _attempt(
        self, name: str, value: Decimal, rule: str, wrong: list[Equation], depth: int
    ) -> list[Correction] | None:
        got, self._amounts[name] = self._amounts[name], value
        touched = self._using[name]
        still = [each for each in wrong if each not in touched] + list(broken(touched, self._amounts, self._least))
        found: list[Correction] | None = None
        if not still:
            found = []
        elif depth > 1 and len(still) < len(wrong):
            found = self.run(still, depth - 1)
        self._amounts[name] = got
        return None if found is None else [Correction(name, got, value, rule), *found]

    def _proposals(self, name: str, wrong: list[Equation]) -> list[tuple[Decimal, str]]:
        """The values of ``name`` that would mend one of the broken equations, each with the rule of the equation."""
        found: dict[Decimal, str] = {}
        for each in wrong[:_MOST_TERMS]:
            if self._work > _MOST_WORK:
                break
            if name == each.field:
                found.setdefault(each.expected(self._amounts, self._least), each.rule)
            elif name in each.terms:
                value = self._solved(each, name)
                if value is not None and value != self._amounts[name]:
                    found.setdefault(value, each.rule)
        return list(found.items())

    def _solved(self, equation: Equation, name: str) -> Decimal | None:
        """The value of the term ``name`` for which the equation holds, which is linear in each of its terms."""
        self._work += 2 * len(equation.terms)
        now = self._amounts[name]
        here = equation.compute(self._amounts)
        self._amounts[name] = now + 1
        slope = equation.compute(self._amounts) - here
        self._amounts[name] = now
        if slope == ZERO:
            return None
        step = (self._amounts[equation.field] - here) / slope
        return round_to(now + step, max(self._least, decimals_of(now)), Rounding.HALF_UP)
