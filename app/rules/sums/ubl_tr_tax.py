"""Tax equations of UBL-TR: rows of lines and of the document, and withholding (tevkifat)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from app.formats.canonical import Invoice, Tax
from app.formats.values import least_decimals
from app.rules.sums.allowance_equations import if_near
from app.rules.sums.amounts import AmountTable
from app.rules.sums.decimals import TAX_ROUNDINGS, Rounding
from app.rules.sums.equations import ZERO, Equation, Variant, percentage, total
from app.rules.sums.line_equations import LineRounding, per_line_equation
from app.rules.sums.tax_groups import Members

#: GİB's code of VAT (KDV).
VAT = frozenset({"0015", "VAT", "KDV"})
#: Income tax that the buyer withholds (stopaj).
INCOME_TAXES = frozenset({"0003", "0011"})
#: Types whose VAT is computed from a base that the law sets (özel matrah).
_SPECIAL_BASES = frozenset({"OZELMATRAH"})
#: Choices of a rate for each allowance of the document.
_MOST_CHOICES = 1000
#: A row of taxes: its field and its content.
Row = tuple[str, Tax]


@dataclass(frozen=True, slots=True)
class Way:
    """What the equations of a row are made from."""

    invoice: Invoice
    table: AmountTable
    rounding: Rounding
    #: Allowances and charges of the document in the base of each row.
    shares: dict[str, Members]


def line_rows(invoice: Invoice, place: int, kind: str) -> list[Row]:
    """The rows of ``taxes`` or ``withholdings`` of a line."""
    totals = getattr(invoice.lines[place], kind)
    return [
        (f"lines[{place}].{kind}[{at}].rows[{row_at}]", row)
        for at, each in enumerate(totals)
        for row_at, row in enumerate(each.rows)
    ]


def document_rows(invoice: Invoice, kind: str) -> list[Row]:
    """The rows of ``taxes`` or ``withholdings`` of the document."""
    return [
        (f"{kind}[{at}].rows[{row_at}]", row)
        for at, each in enumerate(getattr(invoice, kind))
        for row_at, row in enumerate(each.rows)
    ]


def line_tax_variants(invoice: Invoice, table: AmountTable) -> list[Variant]:
    """Base and amount of the tax rows of lines; VAT is computed with or without the other taxes of the line."""
    return [
        Variant(
            "_".join(filter(None, (base_name, f"line_tax{suffix}" if suffix else ""))),
            [
                each
                for place in range(len(invoice.lines))
                for each in _line_taxes(invoice, place, table, rounding, is_on_top=bool(base_name))
            ],
        )
        for base_name in ("", "vat_on_other_taxes")
        for suffix, rounding in TAX_ROUNDINGS
    ]


def _line_taxes(
    invoice: Invoice, place: int, table: AmountTable, rounding: Rounding, *, is_on_top: bool
) -> Iterator[Equation]:
    rows = line_rows(invoice, place, "taxes")
    net = f"lines[{place}].net"
    others = [f"{name}.amount" for name, row in rows if row.type not in VAT] if is_on_top else []
    for name, row in rows:
        if row.type in VAT and invoice.type not in _SPECIAL_BASES and table.has(f"{name}.base", net):
            yield total("TaxableAmount", f"{name}.base", [net, *others])
        elif table.has(f"{name}.base", net):
            yield from if_near(total("TaxableAmount", f"{name}.base", [net]), table)
        yield from _amount_equations(name, row, table, rounding)
    for name, row in line_rows(invoice, place, "withholdings"):
        taxes = [f"{field}.amount" for field, tax in rows if tax.type in VAT]
        yield from if_near(total("TaxableAmount", f"{name}.base", taxes), table)
        yield from _amount_equations(name, row, table, rounding)


def _amount_equations(name: str, row: Tax, table: AmountTable, rounding: Rounding) -> Iterator[Equation]:
    """Amount = base × percent; a tax per unit has an amount without a percent."""
    if table.has(f"{name}.amount", f"{name}.base", f"{name}.rate") and (row.type in VAT or row.rate):
        equation = percentage("TaxAmount", f"{name}.amount", f"{name}.base", f"{name}.rate", rounding)
        yield from [equation] if row.type in VAT or row.type[:1] in "68" else if_near(equation, table)


def document_base_equations(invoice: Invoice, table: AmountTable) -> Iterator[Equation]:
    """The base of each tax row of the document: the sum of the bases of the lines, or the total without taxes."""
    for kind in ("taxes", "withholdings"):
        for name, row in document_rows(invoice, kind):
            members = [f"{field}.base" for field, _ in _members(invoice, kind, row)]
            if members and table.has(f"{name}.base", *members):
                yield total("TaxableAmount", f"{name}.base", members)
            elif kind == "taxes":
                yield from if_near(total("TaxableAmount", f"{name}.base", ["totals.tax_exclusive"]), table)
            else:
                taxes = [f"{field}.amount" for field, tax in document_rows(invoice, "taxes") if tax.type in VAT]
                yield from if_near(total("TaxableAmount", f"{name}.base", taxes), table)
    bases = [f"{name}.base" for name, row in document_rows(invoice, "taxes") if row.type in VAT]
    yield from if_near(total("TaxExclusiveAmount", "totals.tax_exclusive", bases), table)


def reduced_base_equations(invoice: Invoice, table: AmountTable) -> Iterator[Equation]:
    """As ``document_base_equations``, with the allowances and charges of the document in the rows of VAT."""
    shares = shares_of_allowances(invoice, table)
    for each in document_base_equations(invoice, table):
        added, taken = shares.get(each.field, ([], []))
        if "totals.tax_exclusive" in each.terms:
            yield each
        else:
            yield total(each.rule, each.field, [*each.terms, *added], taken)


def shares_of_allowances(invoice: Invoice, table: AmountTable) -> dict[str, Members]:
    """The charges and the allowances of the document in the base of each row of VAT.

    UBL-TR does not say to which rate an allowance belongs: it is the choice that leaves the fewest bases wrong.
    """
    rows = [name for name, row in document_rows(invoice, "taxes") if row.type in VAT]
    places = range(len(invoice.allowances))
    if not rows or len(rows) ** len(places) > _MOST_CHOICES:
        return {}
    sums = {each.field: each for each in document_base_equations(invoice, table) if each.field.startswith("taxes")}
    gaps = {name: table.amounts[f"{name}.base"] - _computed(sums.get(f"{name}.base"), table) for name in rows}
    signs = [1 if each.is_charge else -1 for each in invoice.allowances]

    def wrong(choice: tuple[str, ...]) -> int:
        left = dict(gaps)
        for place in places:
            left[choice[place]] -= signs[place] * table.amounts[f"allowances[{place}].amount"]
        return sum(gap != ZERO for gap in left.values())

    best = min(product(rows, repeat=len(places)), key=wrong)
    shares: dict[str, Members] = {}
    for place in places:
        members = shares.setdefault(f"{best[place]}.base", ([], []))
        members[0 if signs[place] > 0 else 1].append(f"allowances[{place}].amount")
    return shares


def _computed(equation: Equation | None, table: AmountTable) -> Decimal:
    return equation.compute(table.amounts) if equation is not None else ZERO


def document_amount_variants(invoice: Invoice, table: AmountTable) -> list[Variant]:
    """The amount of each row of the document: from its base, or the sum of the lines."""
    rows = [each for kind in ("taxes", "withholdings") for each in _rows_of(invoice, kind)]
    shares = shares_of_allowances(invoice, table)
    return [
        Variant(
            f"{name}{suffix}",
            [e for kind, field, row in rows for e in compute(Way(invoice, table, rounding, shares), kind, field, row)],
        )
        for name, compute in (("per_rate", _row), ("per_line", _row_of_lines), ("gst_item", _row_of_halves))
        for suffix, rounding in TAX_ROUNDINGS
    ]


def _rows_of(invoice: Invoice, kind: str) -> list[tuple[str, str, Tax]]:
    return [(kind, name, row) for name, row in document_rows(invoice, kind)]


def _row(way: Way, kind: str, name: str, row: Tax) -> Iterator[Equation]:
    equations = list(_amount_equations(name, row, way.table, way.rounding))
    yield from equations or _row_of_lines(way, kind, name, row)


def _row_of_lines(way: Way, kind: str, name: str, row: Tax) -> Iterator[Equation]:
    members = [f"{field}.amount" for field, _ in _members(way.invoice, kind, row)]
    if members and way.table.has(f"{name}.amount", *members):
        yield total("TaxAmount", f"{name}.amount", members)
    else:
        yield from _amount_equations(name, row, way.table, way.rounding)


def _row_of_halves(way: Way, kind: str, name: str, row: Tax) -> Iterator[Equation]:
    """VAT as twice the half of each line, as CGST and SGST are."""
    members = [f"{field}.base" for field, _ in _members(way.invoice, kind, row)]
    if kind != "taxes" or row.type not in VAT or not way.table.has(f"{name}.amount", *members):
        yield from _row(way, kind, name, row)
        return
    added, taken = way.shares.get(f"{name}.base", ([], []))
    rounding = LineRounding(way.rounding, least_decimals(way.invoice.currency), parts=2)
    yield per_line_equation(f"{name}.amount", ([*members, *added], taken), row.rate, rounding, "TaxAmount")


def _members(invoice: Invoice, kind: str, row: Tax) -> list[Row]:
    """The rows of lines that belong to a row of the document: same tax, same percent and same reason."""
    alike = [each for each in document_rows(invoice, kind) if _is_same(each[1], row)]
    rows = [each for place in range(len(invoice.lines)) for each in line_rows(invoice, place, kind)]
    same = [each for each in rows if _is_same(row, each[1])]
    if len(alike) == 1:
        return same
    return [each for each in same if each[1].exemption_code == row.exemption_code] if _has_codes(same) else []


def _has_codes(rows: list[Row]) -> bool:
    return all(row.exemption_code for _, row in rows)


def _is_same(one: Tax, other: Tax) -> bool:
    return one.type == other.type and (one.rate is None or other.rate is None or one.rate == other.rate)


def sums_of_withholding(invoice: Invoice) -> list[str]:
    """The fields of the withholding totals of the document."""
    return [f"withholdings[{place}].amount" for place, each in enumerate(invoice.withholdings) if each.amount or ZERO]
