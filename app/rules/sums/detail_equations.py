"""Equations of details that not every document has: gross prices, parts of lines, VAT in another currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain

from app.formats.canonical import AllowanceCharge, Invoice
from app.formats.values import least_decimals
from app.rules.sums.allowance_equations import if_near, nearest
from app.rules.sums.amounts import AmountTable, allowance_fields
from app.rules.sums.decimals import Rounding, round_to
from app.rules.sums.equations import Equation, total
from app.rules.sums.tax_groups import tax_group, tax_members

#: Ends of fields that are amounts of money, and no prices.
_MONEY = ("].net", ".amount", ".base")
_LEAST_AMOUNTS = 4
#: Discounts of one price whose base is compared with what the ones before it leave.
_MOST_DISCOUNTS = 50


def details(invoice: Invoice, table: AmountTable) -> Iterator[Equation]:
    """The equations that nearly hold: each of these amounts may be another by its nature."""
    found = (_prices(invoice, table), _parts(invoice), _allowance_totals(invoice), _bases(invoice, table))
    for each in (*chain.from_iterable(found), *_tax_currency(invoice)):
        yield from if_near(each, table)


def whole_amounts(invoice: Invoice, table: AmountTable) -> list[Equation]:
    """One amount with decimals among whole ones, in a currency without a minor unit."""
    if least_decimals(invoice.currency):
        return []
    money = [name for name in table.amounts if name.endswith(_MONEY) or name.startswith("totals.")]
    broken = [name for name in money if table.amounts[name] != _whole(table.amounts[name])]
    if len(broken) != 1 or len(money) < _LEAST_AMOUNTS:
        return []
    (name,) = broken
    return [Equation("ISO-4217", name, (), lambda amounts: _whole(amounts[name]))]


def _whole(amount: Decimal) -> Decimal:
    return round_to(amount, 0, Rounding.HALF_UP)


def _prices(invoice: Invoice, table: AmountTable) -> Iterator[Equation]:
    """Net price = gross price − discount; the prices may be for different quantities."""
    for place, line in enumerate(invoice.lines):
        name = f"lines[{place}].price"
        taken, added = allowance_fields(f"{name}.discounts", line.price.discounts)
        if table.has(f"{name}.discount"):
            taken = (f"{name}.discount",)
        yield total("BT-146", f"{name}.net", [f"{name}.gross", *added], taken)
        yield total("BT-148", f"{name}.discount_base", [f"{name}.gross"])
        yield from _discount_bases(name, line.price.discounts, table)


def _discount_bases(name: str, discounts: Sequence[AllowanceCharge], table: AmountTable) -> Iterator[Equation]:
    """Each discount of a price is computed from the gross price, or from what the ones before it leave.

    The last of very many are not compared with what is left: one price of a hostile document may have thousands.
    """
    for place in range(len(discounts)):
        base, gross = f"{name}.discounts[{place}].base", f"{name}.gross"
        ways = [total("BT-148", base, [gross])]
        if place < _MOST_DISCOUNTS:
            taken, added = allowance_fields(f"{name}.discounts", discounts[:place])
            ways.append(total("BT-148", base, [gross, *added], taken))
        yield from nearest(ways, table)


def _bases(invoice: Invoice, table: AmountTable) -> Iterator[Equation]:
    """The base of a VAT category = its lines + its allowances and charges (BT-X-262, BT-X-263)."""
    members = tax_members(invoice) or {}
    for place, row in enumerate(invoice.taxes[0].rows if invoice.taxes else ()):
        name = f"taxes[0].rows[{place}]"
        added, taken = members.get(tax_group(row), ([], []))
        lines = [each for each in added if each.startswith("lines[")]
        yield total("BT-X-262", f"{name}.lines_base", lines)
        yield total("BT-X-263", f"{name}.allowances_base", [each for each in added if each not in lines], taken)
        parts = [part for part in (f"{name}.lines_base", f"{name}.allowances_base") if table.has(part)]
        if parts:
            yield total("BT-116", f"{name}.base", parts)


def _parts(invoice: Invoice) -> Iterator[Equation]:
    """The net amount of a line is the sum of its parts."""
    places = {line.id: place for place, line in reversed(list(enumerate(invoice.lines)))}
    parts: dict[int, list[str]] = defaultdict(list)
    for place, line in enumerate(invoice.lines):
        if line.parent is not None and line.parent in places:
            parts[places[line.parent]].append(f"lines[{place}].net")
    for place, nets in parts.items():
        yield total("BT-131", f"lines[{place}].net", nets)


def _allowance_totals(invoice: Invoice) -> Iterator[Equation]:
    for place, line in enumerate(invoice.lines):
        name = f"lines[{place}]"
        taken, added = allowance_fields(f"{name}.allowances", line.allowances)
        yield total("TotalAllowanceChargeAmount", f"{name}.allowance_total", added, taken)


def _tax_currency(invoice: Invoice) -> Iterator[Equation]:
    """VAT in the currency of the tax office = VAT × exchange rate."""
    if len(invoice.taxes) > 1:
        own, rate = "taxes[0].amount", "exchange_rate"
        yield Equation("BT-111", "taxes[1].amount", (own, rate), lambda amounts: amounts[own] * amounts[rate])
