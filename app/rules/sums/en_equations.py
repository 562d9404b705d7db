"""Equations of EN 16931, for UBL and CII."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from app.formats.canonical import Invoice, Tax
from app.formats.values import least_decimals
from app.rules.sums.allowance_equations import allowance_base_equations, percent_variants
from app.rules.sums.amounts import AmountTable, allowance_fields
from app.rules.sums.decimals import TAX_ROUNDINGS, Rounding
from app.rules.sums.detail_equations import details, whole_amounts
from app.rules.sums.equations import ZERO, Equation, Family, System, Variant, percentage, total
from app.rules.sums.line_equations import (
    LineRounding,
    line_tolerance,
    net_equation,
    per_line_equation,
    rounded,
    rounded_price,
)
from app.rules.sums.tax_groups import is_text, tax_group, tax_members

_MINIMUM, _ZUGFERD_1 = "minimum", "urn:ferd:"
#: A due amount of the profile MINIMUM, which has no prepaid amount, is smaller by more than an error of rounding.
_LEAST_PREPAID = Decimal("0.05")
_ROWS = "taxes[0].rows"
#: Rule ids of the sums per VAT category.
_BASE_RULES = {"S": "BR-S-08", "Z": "BR-Z-08", "E": "BR-E-08", "AE": "BR-AE-08", "K": "BR-IC-08", "G": "BR-G-08"}
_BASE_RULES |= {"O": "BR-O-08", "L": "BR-IG-08", "M": "BR-IP-08"}


def en_system(invoice: Invoice) -> System:
    """All equations of an invoice in UBL or CII."""
    table = AmountTable(invoice)
    least = least_decimals(invoice.currency)
    families = [
        Family(_line_variants(invoice, table, least)),
        Family([Variant("", list(_sums(invoice, table)))]),
        Family(_allowance_variants(invoice)),
        Family(percent_variants(invoice, table)),
        Family([Variant("", [*allowance_base_equations(invoice, table), *details(invoice, table)])]),
        Family([Variant("", whole_amounts(invoice, table))]),
        Family(_vat_variants(invoice, table, least)),
        Family(_payable_variants(invoice, table)),
    ]
    return System(table.amounts, families, least)


def _line_variants(invoice: Invoice, table: AmountTable, least: int) -> list[Variant]:
    equations = _line_equations(invoice, table, "net")
    informative = frozenset(f"lines[{place}].net" for place, line in enumerate(invoice.lines) if line.is_informative)
    # A changed net amount that the price excuses is found by the sum of the lines, if there is one of all of them.
    has_sum = table.has("totals.lines") and not informative
    return [
        Variant("", equations),
        Variant("lines_half_even", rounded(equations, Rounding.HALF_EVEN)),
        Variant("lines_half_ceiling", rounded(equations, Rounding.HALF_CEILING)),
        Variant("line_tolerance", equations, line_tolerance(least, informative)),
        *([Variant("lines_at_rounded_price", equations, rounded_price)] if has_sum else []),
        Variant("lines_at_gross_price", _line_equations(invoice, table, "gross")),
    ]


def _line_equations(invoice: Invoice, table: AmountTable, price_kind: str) -> list[Equation]:
    """Net amounts; at the gross price where a line has one and ``price_kind`` says so."""
    equations = []
    for place, line in enumerate(invoice.lines):
        name = f"lines[{place}]"
        kind = price_kind if table.has(f"{name}.price.{price_kind}") else "net"
        if table.has(f"{name}.quantity", f"{name}.price.{kind}", f"{name}.net"):
            base = line.price.base_quantity
            taken, added = allowance_fields(f"{name}.allowances", line.allowances)
            per = base is not None and base != ZERO
            equations.append(net_equation("BT-131", name, allowances=taken, charges=added, per=per, price_kind=kind))
    return equations


def _sums(invoice: Invoice, table: AmountTable) -> Iterator[Equation]:
    nets = [
        f"lines[{place}].net"
        for place, line in enumerate(invoice.lines)
        if not line.is_informative and not is_text(line)
    ]
    if invoice.lines and table.has("totals.lines"):
        yield total("BR-CO-10", "totals.lines", nets)
    if table.has("totals.lines", "totals.tax_exclusive"):
        plus = ["totals.lines", "totals.charges"]
        yield total("BR-CO-13", "totals.tax_exclusive", plus, ["totals.allowances"])
    rows = invoice.taxes[0].rows if invoice.taxes else ()
    if rows:
        yield total("BR-CO-14", "taxes[0].amount", [f"{_ROWS}[{place}].amount" for place in range(len(rows))])
        if table.has("totals.tax_exclusive") and all(row.base is not None for row in rows):
            bases = [f"{_ROWS}[{place}].base" for place in range(len(rows))]
            yield total("BR-CO-18", "totals.tax_exclusive", bases)
    if table.has("totals.tax_exclusive", "totals.tax_inclusive"):
        yield total("BR-CO-15", "totals.tax_inclusive", ["totals.tax_exclusive", "taxes[0].amount"])


def _allowance_variants(invoice: Invoice) -> list[Variant]:
    """The sums of allowances and of charges of the document, and the bases that they change."""
    variants = [Variant("", [*_allowance_sums(invoice), *_base_equations(invoice)])]
    if _is_old(invoice) and not invoice.allowances:
        variants.append(Variant("allowances_not_stated", []))
    elif _is_old(invoice):
        negated = [*_allowance_sums(invoice, negated=True), *_base_equations(invoice, negated=True)]
        variants.append(Variant("allowances_negated", negated))
    return variants


def _allowance_sums(invoice: Invoice, *, negated: bool = False) -> Iterator[Equation]:
    if invoice.lines or invoice.allowances:
        taken, added = allowance_fields("allowances", invoice.allowances)
        yield total("BR-CO-11", "totals.allowances", () if negated else taken, taken if negated else ())
        yield total("BR-CO-12", "totals.charges", added)


def _is_old(invoice: Invoice) -> bool:
    """ZUGFeRD 1.0: credits are negative, and its profile BASIC has no allowances, but their sum."""
    return _ZUGFERD_1 in (invoice.specification or "").lower()


def _base_equations(invoice: Invoice, *, negated: bool = False) -> Iterator[Equation]:
    """The base of each category and rate; nothing if a line does not say its category."""
    rows, members = invoice.taxes[0].rows if invoice.taxes else (), tax_members(invoice)
    if members is None:
        return
    places: dict[tuple[str | None, Decimal], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row.base is not None:
            places[tax_group(row)].append(place)
    for group, (first, *others) in places.items():
        added, taken = members.get(group, ([], []))
        if negated:
            added, taken = [*added, *taken], []
        rule = _BASE_RULES.get(group[0] or "", "BT-116")
        yield total(rule, f"{_ROWS}[{first}].base", added, [*taken, *(f"{_ROWS}[{place}].base" for place in others)])


def _vat_variants(invoice: Invoice, table: AmountTable, least: int) -> list[Variant]:
    rows = invoice.taxes[0].rows if invoice.taxes else ()
    fields = [(f"{_ROWS}[{place}]", row) for place, row in enumerate(rows) if table.has(f"{_ROWS}[{place}].amount")]
    bases = [(name, row) for name, row in fields if row.base is not None]
    variants = [
        Variant(f"per_rate{suffix}", [_rate_equation(name, row, rounding) for name, row in bases])
        for suffix, rounding in TAX_ROUNDINGS
    ]
    members = tax_members(invoice)
    if members is not None and len({tax_group(row) for _, row in fields}) == len(fields):
        variants += [
            Variant(
                f"{kind}{suffix}",
                [per_line_equation(f"{name}.amount", members[tax_group(row)], row.rate, way) for name, row in fields],
            )
            for kind, parts in (("per_line", 1), ("gst_item", 2))
            for suffix, rounding in TAX_ROUNDINGS
            for way in (LineRounding(rounding, least, parts),)
        ]
    return variants


def _rate_equation(name: str, row: Tax, rounding: Rounding) -> Equation:
    if row.rate is None:
        return Equation("BR-CO-17", f"{name}.amount", (), lambda _amounts: ZERO)
    return percentage("BR-CO-17", f"{name}.amount", f"{name}.base", f"{name}.rate", rounding)


def _payable_variants(invoice: Invoice, table: AmountTable) -> list[Variant]:
    if not table.has("totals.tax_inclusive", "totals.payable"):
        return [Variant("", [])]
    plus, minus = ["totals.tax_inclusive", "totals.rounding", "totals.third_party"], ["totals.prepaid"]
    variants = [Variant("", [total("BR-CO-16", "totals.payable", plus, minus)])]
    due, grand = table.amounts["totals.payable"], table.amounts["totals.tax_inclusive"]
    if _MINIMUM in (invoice.specification or "").lower() and grand - due >= _LEAST_PREPAID:
        variants.append(Variant("prepaid_not_stated", []))
    if _is_old(invoice) and due == table.amounts["totals.prepaid"] == ZERO and grand < ZERO:
        variants.append(Variant("credit_not_due", [Equation("BR-CO-16", "totals.payable", (), lambda _amounts: ZERO)]))
    return variants
