"""Equations of allowances and charges: amount = base × percent, and the base that a discount is computed from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from app.formats.canonical import Format, Invoice
from app.rules.sums.amounts import AmountTable
from app.rules.sums.decimals import decimals_of
from app.rules.sums.equations import ZERO, Equation, Variant, percentage, total
from app.rules.sums.tax_groups import tax_group, tax_members

_RULE = "PEPPOL-EN16931-R040"
#: Peppol's tolerance of an amount from base and percent.
_TOLERANCE = Decimal("0.02")
_HALF_STEP = Decimal("0.5")


def percent_variants(invoice: Invoice, table: AmountTable) -> list[Variant]:
    """Amount = base × percent, exactly, or as far as the printed percent tells."""
    equations = [
        each for name, is_fraction in _allowances(invoice) for each in _percent_equations(name, table, is_fraction)
    ]
    return [Variant("", equations), Variant("percent_tolerance", equations, _tolerates)]


def allowance_base_equations(invoice: Invoice, table: AmountTable) -> Iterator[Equation]:
    """Base = quantity × price, or the sum of the lines, where it is near: it may be another amount."""
    for place, line in enumerate(invoice.lines):
        name = f"lines[{place}]"
        if not table.has(f"{name}.quantity", f"{name}.price.net"):
            continue
        for each, allowance in enumerate(line.allowances):
            if not allowance.is_charge:  # the base of a charge may be anything, as that of an insurance tax
                equation = _gross(f"{name}.allowances[{each}].base", name, line.price.base_quantity)
                yield from if_near(equation, table)
    nets = [f"lines[{place}].net" for place, line in enumerate(invoice.lines) if not line.is_informative]
    members = tax_members(invoice) or {}
    for place, allowance in enumerate(invoice.allowances):
        alike = members[tax_group(allowance.tax)][0] if members and allowance.tax is not None else []
        own = [name for name in alike if name.startswith("lines[")]
        sums = [total("BT-93", f"allowances[{place}].base", summed) for summed in (nets, own)]
        yield from nearest(sums, table)


def _allowances(invoice: Invoice) -> Iterator[tuple[str, bool]]:
    """The field of each allowance and charge, and whether its percent may be a fraction."""
    is_turkish = invoice.format is Format.UBL_TR
    for place, line in enumerate(invoice.lines):
        yield from ((f"lines[{place}].allowances[{each}]", is_turkish) for each in range(len(line.allowances)))
    yield from ((f"allowances[{place}]", is_turkish) for place in range(len(invoice.allowances)))


def _percent_equations(name: str, table: AmountTable, is_turkish: bool) -> Iterator[Equation]:
    amount, base, percent = f"{name}.amount", f"{name}.base", f"{name}.percent"
    if not table.has(amount, base, percent):
        return
    if is_turkish and abs(table.amounts[percent]) <= 1:
        yield Equation(_RULE, amount, (base, percent), lambda amounts: amounts[base] * amounts[percent])
    elif not is_turkish or table.amounts[percent] != ZERO:
        yield percentage(_RULE, amount, base, percent)


def _tolerates(amounts: Mapping[str, Decimal], wrong: list[Equation]) -> bool:
    """Whether each amount is within the tolerance, or within what the decimals of the percent leave open."""
    for each in wrong:
        percent = each.terms[1]
        step = _HALF_STEP.scaleb(-decimals_of(amounts[percent]))
        factor = each.compute({**amounts, percent: Decimal(1)})
        if abs(amounts[each.field] - each.compute(amounts)) > _TOLERANCE + abs(factor * step):
            return False
    return True


def _gross(name: str, line: str, base_quantity: Decimal | None) -> Equation:
    quantity, price, per = f"{line}.quantity", f"{line}.price.net", f"{line}.price.base_quantity"
    if base_quantity is None or base_quantity == ZERO:
        return Equation("BT-137", name, (quantity, price), lambda amounts: amounts[quantity] * amounts[price])
    return Equation(
        "BT-137", name, (quantity, price, per), lambda amounts: amounts[quantity] * amounts[price] / amounts[per]
    )


def nearest(ways: Sequence[Equation], table: AmountTable) -> Iterator[Equation]:
    """The equation of one amount that comes nearest to it, if one nearly holds: each is another way to compute it."""
    near = [each for way in ways for each in if_near(way, table)]
    yield from sorted(near, key=lambda each: abs(table.amounts[each.field] - each.compute(table.amounts)))[:1]


def if_near(equation: Equation, table: AmountTable) -> Iterator[Equation]:
    """The equation, if the document has all its amounts and it nearly holds; the amount may be of another kind."""
    if not table.has(equation.field, *equation.terms):
        return
    if abs(table.amounts[equation.field] - equation.compute(table.amounts)) < table.near:
        yield equation
