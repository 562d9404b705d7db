"""``neutral()``: one shape for an invoice of any format, from which each target starts.

Types are those of UNTDID 1001, percents are percents, each line has its VAT category and rate, the VAT is one total
with a row per category and rate, and the totals are complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from app.formats.canonical import AllowanceCharge, Format, Invoice, Line, Price, Tax, TaxTotal, Totals
from app.formats.targets.units import unit_of_uqc
from app.formats.values import least_decimals

INVOICE, CREDIT_NOTE = "380", "381"
ZERO, CENT = Decimal(0), Decimal("0.01")
_HUNDRED = Decimal(100)
#: Types of GİB and of INV-01 that give money back.
_CREDITS = frozenset({"IADE", "TEVKIFATIADE", "YTBIADE", "YTBTEVKIFATIADE", "CRN"})
_DEBIT_NOTES = {"DBN": "383"}
#: Names of VAT in the formats.
_VAT = frozenset({"VAT", "0015", "KDV", "GST", "IGST", "CGST", "SGST"})
_LINE_DISCOUNT = "Discount"


def neutral(invoice: Invoice) -> Invoice:
    """The invoice in the common shape; its ``format`` stays that of the source."""
    lines = tuple(_line(each, invoice) for each in invoice.lines if not each.is_informative)
    shaped = replace(
        invoice,
        type=_type(invoice),
        is_credit_note=_is_credit(invoice),
        lines=lines,
        allowances=tuple(_allowance(each, invoice) for each in invoice.allowances),
        withholdings=invoice.withholdings or _sum_of_lines(lines, invoice.currency),
    )
    shaped = replace(shaped, taxes=_taxes(shaped))
    return replace(shaped, totals=_totals(shaped))


def to_cents(amount: Decimal) -> Decimal:
    """The amount with two decimals, half away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def rounded(amount: Decimal, currency: str | None) -> Decimal:
    """The amount with the decimals of its currency, at most two, half away from zero."""
    return amount.quantize(Decimal(1).scaleb(-least_decimals(currency)), ROUND_HALF_UP)


def other_taxes(invoice: Invoice) -> set[str]:
    """The names of taxes that are no VAT, and have an amount."""
    totals = [*invoice.taxes, *(each for line in invoice.lines for each in line.taxes)]
    return {row.type for each in totals for row in each.rows if row.type not in _VAT and row.amount}


def withheld(invoice: Invoice) -> Decimal:
    """What the buyer pays to the tax office in place of the seller."""
    return sum((each.amount or ZERO for each in invoice.withholdings), ZERO)


def _is_credit(invoice: Invoice) -> bool:
    return invoice.is_credit_note or invoice.type in _CREDITS


def _type(invoice: Invoice) -> str:
    if invoice.type is not None and invoice.type.isdecimal():
        return invoice.type
    return CREDIT_NOTE if _is_credit(invoice) else _DEBIT_NOTES.get(invoice.type or "", INVOICE)


def _line(line: Line, invoice: Invoice) -> Line:
    allowances = tuple(_allowance(each, invoice) for each in line.allowances)
    price, unit = line.price, line.unit
    if invoice.format is Format.INV01:  # its discount is that of the line
        if price.discount:
            allowances = (AllowanceCharge(amount=price.discount, reason=_LINE_DISCOUNT),)
        price, unit = Price(net=price.net), unit_of_uqc(unit)
    return replace(line, unit=unit, price=price, allowances=allowances, tax=_line_tax(line))


def _line_tax(line: Line) -> Tax | None:
    """VAT category and rate; the category of a rate above zero is S where the document names none."""
    if line.tax is not None:
        tax = line.tax
    else:
        tax = next((row for each in line.taxes for row in each.rows if row.type in _VAT), None) or Tax()
    if tax.rate is None and tax.category is None:
        return None
    category = tax.category or ("S" if tax.rate else None)
    return Tax(
        category=category,
        rate=tax.rate,
        exemption_code=tax.exemption_code,
        exemption_reason=tax.exemption_reason,
    )


def _allowance(each: AllowanceCharge, invoice: Invoice) -> AllowanceCharge:
    percent = each.percent
    if invoice.format is Format.UBL_TR and percent is not None and abs(percent) <= 1:
        percent *= _HUNDRED
    tax = each.tax
    if tax is not None:
        tax = replace(tax, type="VAT", category=tax.category or ("S" if tax.rate else None))
    return replace(each, percent=percent, tax=tax)


def _sum_of_lines(lines: Iterable[Line], currency: str | None) -> tuple[TaxTotal, ...]:
    """Withholding of the document from that of its lines, a row per code and percent."""
    rows: dict[tuple[str, Decimal | None], Tax] = {}
    for row in (row for line in lines for each in line.withholdings for row in each.rows):
        known = rows.get((row.type, row.rate), Tax(type=row.type, rate=row.rate, base=ZERO, amount=ZERO))
        base, amount = (known.base or ZERO) + (row.base or ZERO), (known.amount or ZERO) + (row.amount or ZERO)
        rows[row.type, row.rate] = replace(known, base=base, amount=amount)
    if not rows:
        return ()
    total = sum((each.amount or ZERO for each in rows.values()), ZERO)
    return (TaxTotal(amount=total, currency=currency, rows=tuple(rows.values())),)


def _taxes(invoice: Invoice) -> tuple[TaxTotal, ...]:
    """VAT in the currency of the invoice, then the totals in others."""
    stated = invoice.taxes[0] if invoice.taxes else TaxTotal()
    if invoice.format is not Format.INV01 and stated.rows and all(row.category for row in stated.rows):
        rows = tuple(replace(row, type="VAT") for row in stated.rows)
    else:
        rows = tuple(_computed_rows(invoice, stated))
    total = sum((row.amount or ZERO for row in rows), ZERO)
    others = tuple(each for each in invoice.taxes[1:] if each.currency not in {None, invoice.currency})
    return (TaxTotal(amount=total, currency=invoice.currency, rows=rows), *others)


def _computed_rows(invoice: Invoice, stated: TaxTotal) -> Iterable[Tax]:
    """A row per category, rate and exemption of the lines; its amount is stated, or computed."""
    bases: dict[Tax, Decimal] = {}
    amounts: dict[Tax, Decimal] = {}
    for line in invoice.lines:
        tax = line.tax or Tax()
        bases[tax] = bases.get(tax, ZERO) + (line.net or ZERO)
        paid = (row.amount or ZERO for each in line.taxes for row in each.rows if row.type in _VAT)
        amounts[tax] = amounts.get(tax, ZERO) + sum(paid, ZERO)
    for each in invoice.allowances:
        tax = _tax_of(each, bases)
        bases[tax] = bases.get(tax, ZERO) + ((each.amount or ZERO) * (1 if each.is_charge else -1))
    times = Counter(row.rate for row in stated.rows if row.type in _VAT)
    by_rate = {row.rate: row for row in stated.rows if row.type in _VAT and times[row.rate] == 1}
    for tax, base in bases.items():
        alike = [other for other in bases if other.rate == tax.rate]
        row = by_rate.get(tax.rate) if len(alike) == 1 and invoice.format is not Format.INV01 else None
        if row is not None and row.amount is not None:
            yield replace(tax, base=row.base or base, amount=row.amount)
        elif invoice.format is Format.INV01:
            yield replace(tax, base=base, amount=amounts.get(tax, ZERO))
        else:
            yield replace(tax, base=base, amount=rounded(base * (tax.rate or ZERO) / _HUNDRED, invoice.currency))


def _tax_of(allowance: AllowanceCharge, known: dict[Tax, Decimal]) -> Tax:
    """The tax of an allowance: the stated one, or the only one of the invoice."""
    if allowance.tax is None:
        return next(iter(known), Tax())
    alike = (each for each in known if (each.category, each.rate) == (allowance.tax.category, allowance.tax.rate))
    return next(alike, allowance.tax)


def _totals(invoice: Invoice) -> Totals:
    """The totals; missing ones are computed."""
    stated = invoice.totals
    lines = sum((line.net or ZERO for line in invoice.lines), ZERO)
    allowances = sum((each.amount or ZERO for each in invoice.allowances if not each.is_charge), ZERO)
    charges = sum((each.amount or ZERO for each in invoice.allowances if each.is_charge), ZERO)
    tax = invoice.taxes[0].amount or ZERO
    exclusive = lines - allowances + charges
    prepaid, rounding = stated.prepaid or ZERO, stated.rounding or ZERO
    is_indian = invoice.format is Format.INV01
    due = exclusive + tax - withheld(invoice) - prepaid + rounding
    if stated.payable is not None:
        due = stated.payable - (prepaid if is_indian else ZERO)
    return Totals(
        lines=_stated(stated.lines, lines),
        allowances=allowances or None,
        charges=charges or None,
        tax_exclusive=_stated(stated.tax_exclusive, exclusive),
        tax_inclusive=_stated(stated.tax_inclusive, exclusive + tax),
        prepaid=prepaid or None,
        rounding=rounding or None,
        payable=due,
    )


def _stated(stated: Decimal | None, computed: Decimal) -> Decimal:
    return computed if stated is None else stated
