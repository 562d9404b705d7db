"""Lines, allowances and charges that are taxed alike: by VAT category and rate."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from app.formats.canonical import Invoice, Line, Tax
from app.rules.sums.equations import ZERO

#: Fields of amounts that are taxed alike: added, and taken off.
Members = tuple[list[str], list[str]]
Group = tuple[str | None, Decimal]


def tax_members(invoice: Invoice) -> dict[Group, Members] | None:
    """The net amounts, allowances and charges of each category and rate; ``None`` if one has no category."""
    found: dict[Group, Members] = defaultdict(lambda: ([], []))
    for place, line in enumerate(invoice.lines):
        if line.is_informative or is_text(line):
            continue
        if line.tax is None or line.tax.category is None:
            return None
        found[tax_group(line.tax)][0].append(f"lines[{place}].net")
    for place, each in enumerate(invoice.allowances):
        if each.tax is None or each.tax.category is None:
            return None
        found[tax_group(each.tax)][0 if each.is_charge else 1].append(f"allowances[{place}].amount")
    return found if invoice.lines else None


def is_text(line: Line) -> bool:
    """Whether a line has a note alone, and nothing to add up."""
    return line.net is None and line.quantity is None and line.price.net is None


def tax_group(tax: Tax) -> Group:
    """The category and the rate of a tax."""
    return tax.category, (tax.rate or ZERO).normalize()
