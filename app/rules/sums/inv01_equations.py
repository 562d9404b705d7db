"""Equations of INV-01: taxes per item, CGST = SGST, and the sums of ``ValDtls``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from app.formats.canonical import Invoice
from app.formats.readers.inv01_reader import TAX_SUMS
from app.formats.values import least_decimals
from app.rules.sums.amounts import AmountTable
from app.rules.sums.decimals import TAX_ROUNDINGS
from app.rules.sums.equations import Equation, Family, System, Variant, percent_of, total
from app.rules.sums.line_equations import line_tolerance

#: Taxes that have half the rate of the item.
_HALVES = frozenset({"CGST", "SGST"})
_TWO = Decimal(2)


def inv01_system(invoice: Invoice) -> System:
    """All equations of an INV-01 document."""
    table = AmountTable(invoice)
    least = least_decimals(invoice.currency)
    gross = [each for place in range(len(invoice.lines)) for each in _gross(f"lines[{place}]", table)]
    taxes = [each for place in range(len(invoice.lines)) for each in _taxes(invoice, place, table)]
    families = [
        Family([Variant("", gross), Variant("line_tolerance", gross, line_tolerance(least))]),
        Family(
            [
                Variant(f"gst_item{suffix}", [replace(e, rounding=rounding) for e in taxes])
                for suffix, rounding in TAX_ROUNDINGS
            ]
        ),
        Family([Variant("", [*_items(invoice, table), *_sums(invoice, table)])]),
        Family([Variant("", list(_due(table)))]),
        Family(_payable(invoice, table)),
    ]
    return System(table.amounts, families, least, copies=frozenset(_copies(table)))


def _copies(table: AmountTable) -> Iterator[str]:
    """The base of a tax is the amount of the item, and each sum of a tax is one row."""
    for name in table.amounts:
        if name.endswith(".base") or (name.startswith("taxes[") and ".rows[" in name):
            yield name


def _gross(name: str, table: AmountTable) -> Iterator[Equation]:
    quantity, price = f"{name}.quantity", f"{name}.price.net"
    if table.has(quantity, price, f"{name}.gross"):
        yield Equation("TotAmt", f"{name}.gross", (quantity, price), lambda amounts: amounts[quantity] * amounts[price])


def _taxes(invoice: Invoice, place: int, table: AmountTable) -> Iterator[Equation]:
    line, name = invoice.lines[place], f"lines[{place}]"
    for row_place, row in enumerate(line.taxes[0].rows):
        field = f"{name}.taxes[0].rows[{row_place}]"
        if row.rate is not None and table.has(f"{name}.net") and _is_due(invoice, row.type, row.amount):
            yield _tax(row.type, f"{field}.amount", f"{name}.net", f"{field}.rate")


def _is_due(invoice: Invoice, name: str, amount: Decimal | None) -> bool:
    """Whether the item bears this tax: between states IGST is due, within a state CGST and SGST."""
    if name not in {"IGST", *_HALVES} or amount:
        return True
    rows = (row for line in invoice.lines for each in line.taxes for row in each.rows)
    borne = {row.type for row in rows if row.amount} & {"IGST", *_HALVES}
    if not borne:  # each tax is rounded to nothing
        borne = {*_taxes_by_state(invoice)}
    return not borne & (_HALVES if name == "IGST" else {"IGST"})


def _taxes_by_state(invoice: Invoice) -> frozenset[str]:
    """The taxes that the states of seller and supply say; none if one of the states is missing."""
    states = {each.value[:2] for each in invoice.seller.tax_ids} | {invoice.buyer.place_of_supply}
    if None in states or not invoice.seller.tax_ids:
        return frozenset()
    return _HALVES if len(states) == 1 else frozenset({"IGST"})


def _tax(name: str, field: str, base: str, rate: str) -> Equation:
    share = _TWO if name in _HALVES else Decimal(1)

    def compute(amounts: Mapping[str, Decimal]) -> Decimal:
        return percent_of(amounts[base], amounts[rate]) / share

    return Equation(name, field, (base, rate), compute)


def _items(invoice: Invoice, table: AmountTable) -> Iterator[Equation]:
    for place, line in enumerate(invoice.lines):
        name = f"lines[{place}]"
        if table.has(f"{name}.gross", f"{name}.net"):
            yield total("AssAmt", f"{name}.net", [f"{name}.gross"], [f"{name}.price.discount"])
        if table.has(f"{name}.total", f"{name}.net"):
            rows = [f"{name}.taxes[0].rows[{each}].amount" for each in range(len(line.taxes[0].rows))]
            yield total("TotItemVal", f"{name}.total", [f"{name}.net", *rows, f"{name}.other_charges"])


def _sums(invoice: Invoice, table: AmountTable) -> Iterator[Equation]:
    if table.has("totals.lines"):
        yield total("AssVal", "totals.lines", [f"lines[{place}].net" for place in range(len(invoice.lines))])
    for name, key in TAX_SUMS:
        rows = [
            f"lines[{place}].taxes[0].rows[{each}].amount"
            for place, line in enumerate(invoice.lines)
            for each, row in enumerate(line.taxes[0].rows)
            if row.type.removesuffix("_FIXED") == name
        ]
        yield total(key, _tax_field(invoice, name), rows)


def _tax_field(invoice: Invoice, name: str) -> str:
    places = [place for place, each in enumerate(invoice.taxes) if each.rows[0].type == name]
    return f"taxes[{places[0]}].amount" if places else f"taxes[{name}].amount"


def _due(table: AmountTable) -> Iterator[Equation]:
    """What is left to pay, where the document says it and what was paid."""
    if table.has("totals.due", "totals.prepaid", "totals.payable"):
        yield total("PaymtDue", "totals.due", ["totals.payable"], ["totals.prepaid"])


def _payable(invoice: Invoice, table: AmountTable) -> list[Variant]:
    """The total of the items, or of the sums, less the discount, plus charges and rounding."""
    if not table.has("totals.payable"):
        return [Variant("", [])]
    rest, minus = ["totals.charges", "totals.rounding"], ["totals.allowances"]
    variants = []
    if all(line.total is not None for line in invoice.lines):
        items = [f"lines[{place}].total" for place in range(len(invoice.lines))]
        variants.append(Variant("", [total("TotInvVal", "totals.payable", [*items, *rest], minus)]))
    taxes = [_tax_field(invoice, name) for name, _ in TAX_SUMS]
    plus = ["totals.lines", *taxes, *rest]
    name = "other_charges_once" if variants else ""
    return [*variants, Variant(name, [total("TotInvVal", "totals.payable", plus, minus)])]
