"""``verdict()``: every sum of an invoice in exact decimals, and the named rounding rule that the invoice keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import islice, product

from app.formats.canonical import Format, Invoice
from app.formats.canonical_json import shortest
from app.rules.sums.decimals import EXACT
from app.rules.sums.diagnosis import Correction, diagnose
from app.rules.sums.en_equations import en_system
from app.rules.sums.equations import ZERO, Equation, Family, System, Variant, broken
from app.rules.sums.inv01_equations import inv01_system
from app.rules.sums.ubl_tr_equations import ubl_tr_system
from app.rules.sums.unverified import unverified_amounts

_SYSTEMS: dict[Format, Callable[[Invoice], System]] = {
    Format.UBL: en_system,
    Format.CII: en_system,
    Format.UBL_TR: ubl_tr_system,
    Format.INV01: inv01_system,
}
#: Findings of one answer, and ways to compute that are compared when none fits.
_MOST_FINDINGS, _MOST_WAYS = 100, 6
#: A value that is no number.
UNREADABLE = "NUMBER"


@dataclass(frozen=True, slots=True)
class Finding:
    """A wrong amount: its field in the canonical form, what the document has, what is right, and the rule."""

    field: str
    got: str | None
    expected: str | None
    rule: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``rules`` are the names of the ways to compute that fit, or fit best; ``findings`` is empty if they fit."""

    rules: tuple[str, ...]
    findings: tuple[Finding, ...]
    #: Fields of amounts that no rule tells, so that a change of a cent in them would not be found.
    unverified: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        return not self.findings

    @property
    def rule(self) -> str:
        """The names in one text, as ``per_rate+cash_rounding``."""
        return "+".join(self.rules)


def verdict(invoice: Invoice) -> Verdict:
    """Recompute every sum of ``invoice``.

    The named rules are tried in a fixed order. If one fits, it is the answer. Otherwise the findings are the smallest
    set of amounts whose correction makes one fit.
    """
    unreadable = [Finding(each.path, each.value, None, UNREADABLE) for each in invoice.faults]
    if unreadable:
        return Verdict((), tuple(unreadable[:_MOST_FINDINGS]))
    with localcontext(EXACT):
        system = _SYSTEMS[invoice.format](invoice)
        ranked = [_best(family, system) for family in system.families]
        chosen = [variants[0] for variants, _ in ranked]
        names = _names(chosen, system)
        if not any(count for _, count in ranked):
            return Verdict(names, (), tuple(unverified_amounts(chosen, system)[:_MOST_FINDINGS]))
        chosen, corrections = _smallest([variants for variants, _ in ranked], system)
        findings = [_finding(each, system) for each in corrections[:_MOST_FINDINGS]]
    return Verdict(_names(chosen, system), tuple(findings))


def _best(family: Family, system: System) -> tuple[list[Variant], int]:
    """The first variant that holds, or all that break the fewest equations, and how many they break."""
    counts: list[int] = []
    for variant in family.variants:
        wrong = list(broken(variant.equations, system.amounts, system.least))
        if not wrong or (variant.tolerates is not None and variant.tolerates(system.amounts, wrong)):
            return [variant], 0
        counts.append(len(wrong))
    fewest = min(counts)
    return [each for each, count in zip(family.variants, counts, strict=True) if count == fewest], fewest


def _smallest(ranked: list[list[Variant]], system: System) -> tuple[list[Variant], list[Correction]]:
    results = []
    for ways in islice(product(*ranked), _MOST_WAYS):
        corrections = diagnose(_enforced(ways, system), system.amounts, system.least)
        results.append((list(ways), corrections))
        if len(corrections) == 1:
            break
    return min(results, key=lambda result: len(result[1]))


def _enforced(ways: tuple[Variant, ...], system: System) -> list[Equation]:
    """The equations that must hold: those that a tolerance excuses need not."""
    equations = []
    for variant in ways:
        wrong = set(broken(variant.equations, system.amounts, system.least))
        is_excused = variant.tolerates is not None and variant.tolerates(system.amounts, list(wrong))
        equations += [each for each in variant.equations if not (is_excused and each in wrong)]
    return equations


def _names(ways: list[Variant], system: System) -> tuple[str, ...]:
    names = [each.name for each in ways if each.name]
    if system.amounts["totals.rounding"] != ZERO:
        names.append("cash_rounding")
    return (*sorted(names, key=lambda name: not name.startswith(("per_", "gst_"))), *system.names)


def _finding(correction: Correction, system: System) -> Finding:
    got = shown(correction.got) if correction.field in system.amounts else None
    return Finding(correction.field, got, shown(correction.expected), correction.rule)


def shown(amount: Decimal) -> str:
    """An amount for people: with two decimals at least."""
    text = shortest(amount)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"
