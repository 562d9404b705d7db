"""Equations of UBL-TR: totals with their usual ways to show discounts, and withholding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from app.formats.canonical import Invoice, TaxTotal
from app.formats.values import least_decimals
from app.rules.sums.allowance_equations import allowance_base_equations, if_near, percent_variants
from app.rules.sums.amounts import AmountTable, allowance_fields
from app.rules.sums.decimals import Rounding
from app.rules.sums.detail_equations import whole_amounts
from app.rules.sums.equations import Equation, Family, System, Variant, total
from app.rules.sums.line_equations import line_tolerance, net_equation, rounded
from app.rules.sums.ubl_tr_tax import (
    INCOME_TAXES,
    document_amount_variants,
    document_base_equations,
    document_rows,
    line_tax_variants,
    reduced_base_equations,
    sums_of_withholding,
)

#: Fields that are added, and fields that are taken off; or the allowances and the charges.
Sums = tuple[Sequence[str], Sequence[str]]
#: The scenario of wholesale market halls: commission, transport and their taxes are taken off the payable amount.
_MARKET_HALL = "HKS"
#: A deduction is larger than an error of rounding.
_LEAST_DEDUCTION = Decimal("0.05")
#: Types whose VAT is computed and not collected.
_NOT_COLLECTED = frozenset({"IHRACKAYITLI"})


def ubl_tr_system(invoice: Invoice) -> System:
    """All equations of a UBL-TR document."""
    table = AmountTable(invoice)
    least = least_decimals(invoice.currency)
    families = [
        Family(_line_variants(invoice, table, least)),
        Family(percent_variants(invoice, table)),
        Family([Variant("", list(allowance_base_equations(invoice, table)))]),
        Family([Variant("", whole_amounts(invoice, table))]),
        Family(line_tax_variants(invoice, table)),
        Family(
            [
                Variant("", list(document_base_equations(invoice, table))),
                Variant("discount_in_base", list(reduced_base_equations(invoice, table))),
            ]
        ),
        Family(document_amount_variants(invoice, table)),
        Family(_total_variants(invoice, table)),
        Family(_payable_variants(invoice, table)),
    ]
    return System(table.amounts, families, least)


def _line_variants(invoice: Invoice, table: AmountTable, least: int) -> list[Variant]:
    equations = []
    for place, line in enumerate(invoice.lines):
        name = f"lines[{place}]"
        if table.has(f"{name}.quantity", f"{name}.price.net", f"{name}.net"):
            allowances, charges = allowance_fields(f"{name}.allowances", line.allowances)
            per = bool(line.price.base_quantity)
            equations.append(net_equation("LineExtensionAmount", name, allowances=allowances, charges=charges, per=per))
    return [
        Variant("", equations),
        Variant("lines_half_even", rounded(equations, Rounding.HALF_EVEN)),
        Variant("line_tolerance", equations, line_tolerance(least)),
    ]


def _total_variants(invoice: Invoice, table: AmountTable) -> list[Variant]:
    """The usual ways: net lines and discounts of the document; discounts of lines shown again; gross lines."""
    nets = [f"lines[{place}].net" for place in range(len(invoice.lines))]
    taken, added = allowance_fields("allowances", invoice.allowances)
    line_taken: list[str] = []
    line_added: list[str] = []
    for place, line in enumerate(invoice.lines):
        allowances, charges = allowance_fields(f"lines[{place}].allowances", line.allowances)
        line_taken += allowances
        line_added += charges
    net: Sums = (nets, [])
    gross: Sums = ([*nets, *line_taken], line_added)
    own: Sums = (taken, added)
    lines: Sums = (line_taken, line_added)
    both: Sums = ([*taken, *line_taken], [*added, *line_added])
    ways = [
        ("", net, own, True),
        ("discounts_in_lines", net, lines, False),
        ("discounts_in_lines", net, own, False),
        ("gross_lines", gross, lines, True),
        ("gross_lines", gross, own, True),
        ("gross_lines", gross, both, True),
        ("all_discounts_shown", net, both, False),
    ]
    # Discounts of lines that the document repeats have the same sum.
    repeated = list(if_near(total("AllowanceTotalAmount", "totals.allowances", taken), table)) if taken else []
    return [
        Variant(name, [*_totals(table, summed, shown, is_taken=is_taken), *(repeated if shown is lines else [])])
        for name, summed, shown, is_taken in ways
    ]


def _totals(
    table: AmountTable,
    summed: Sums,
    shown: Sums,
    *,
    is_taken: bool,
) -> Iterator[Equation]:
    if table.has("totals.lines"):
        yield total("LineExtensionAmount", "totals.lines", *summed)
    yield total("AllowanceTotalAmount", "totals.allowances", shown[0])
    yield total("ChargeTotalAmount", "totals.charges", shown[1])
    if table.has("totals.lines", "totals.tax_exclusive"):
        plus, minus = (["totals.charges"], ["totals.allowances"]) if is_taken else ([], [])
        yield total("TaxExclusiveAmount", "totals.tax_exclusive", ["totals.lines", *plus], minus)


def _payable_variants(invoice: Invoice, table: AmountTable) -> list[Variant]:
    """Withholding reduces the payable amount, the sum of taxes, or the total with taxes."""
    withheld = sums_of_withholding(invoice)
    ways: list[tuple[str, list[str], list[str], list[str]]] = [("", [], [], withheld)]
    if withheld:
        ways += [("tax_after_withholding", withheld, [], []), ("total_after_withholding", [], withheld, [])]
    if invoice.type in _NOT_COLLECTED:
        taxes = [f"taxes[{place}].amount" for place in range(len(invoice.taxes))]
        ways += [("vat_not_collected", [], [], taxes), ("vat_not_collected", [], taxes, [])]
    income_tax = [f"{name}.amount" for name, row in document_rows(invoice, "taxes") if row.type in INCOME_TAXES]
    if income_tax:
        ways += [
            ("income_tax_withheld", [*income_tax, *income_tax], [], []),
            ("income_tax_withheld", income_tax, [], income_tax),
        ]
    variants = [
        Variant(name, [*_tax_sums(invoice, from_tax), *_ends(invoice, table, from_total, from_payable)])
        for name, from_tax, from_total, from_payable in ways
    ]
    due, total_with_tax = table.amounts["totals.payable"], table.amounts["totals.tax_inclusive"]
    if invoice.process == _MARKET_HALL and abs(total_with_tax - due) >= _LEAST_DEDUCTION:
        known = [each for each in variants[0].equations if each.field != "totals.payable"]
        variants.append(Variant("market_hall_deductions", known))
    return variants


def _tax_sums(invoice: Invoice, minus: list[str]) -> Iterator[Equation]:
    """Each ``TaxTotal`` and ``WithholdingTaxTotal`` of the document and of the lines is the sum of its rows."""
    yield from _sums_of_rows("", invoice.taxes, "taxes", minus)
    yield from _sums_of_rows("", invoice.withholdings, "withholdings", [])
    for place, line in enumerate(invoice.lines):
        name = f"lines[{place}]."
        own = [f"{name}withholdings[{each}].amount" for each in range(len(line.withholdings))] if minus else []
        yield from _sums_of_rows(name, line.taxes, "taxes", own)
        yield from _sums_of_rows(name, line.withholdings, "withholdings", [])


def _sums_of_rows(name: str, totals: tuple[TaxTotal, ...], kind: str, minus: list[str]) -> Iterator[Equation]:
    for place, each in enumerate(totals):
        field = f"{name}{kind}[{place}]"
        if each.rows:
            rows = [f"{field}.rows[{row}].amount" for row in range(len(each.rows))]
            yield total("TaxAmount", f"{field}.amount", rows, minus if place == 0 else [])


def _ends(invoice: Invoice, table: AmountTable, from_total: list[str], from_payable: list[str]) -> Iterator[Equation]:
    taxes = [f"taxes[{place}].amount" for place in range(len(invoice.taxes))]
    if table.has("totals.tax_exclusive", "totals.tax_inclusive"):
        plus = ["totals.tax_exclusive", *taxes]
        yield total("TaxInclusiveAmount", "totals.tax_inclusive", plus, from_total)
    if table.has("totals.tax_inclusive", "totals.payable"):
        plus = ["totals.tax_inclusive", "totals.rounding"]
        yield total("PayableAmount", "totals.payable", plus, ["totals.prepaid", *from_payable])
