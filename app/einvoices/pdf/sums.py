"""The sums on the PDF of an e-invoice, row by row as people add them up: each row follows from those above it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.einvoices.content import document_allowances
from app.einvoices.documents.canonical_lines import withholding_of
from app.einvoices.lifecycle.totals import ZERO, RateSum, sum_by_rate
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.legal_fields import TaxRule

Format = Callable[..., str]


@dataclass(frozen=True, slots=True)
class SumRow:
    """A row: label and amount with its sign; ``is_result`` marks the totals."""

    label: str
    amount: str
    is_result: bool = False


@dataclass(frozen=True, slots=True)
class SumFormats:
    """How the document writes amounts and rates, and its labels."""

    amount: Format
    number: Format
    label: Mapping[str, str]

    def signed(self, value: Decimal) -> str:
        """The amount with a minus sign of typography if it is negative."""
        return f"−{self.amount(-value)}" if value < 0 else self.amount(value)

    def percent(self, value: Decimal) -> str:
        """``20%`` in English, ``%20`` in Turkish."""
        return self.label["percent"].format(self.number(value))

    def row(self, label: str, value: Decimal, *, is_result: bool = False) -> SumRow:
        return SumRow(label, self.signed(value), is_result)


def sum_rows(einvoice: Einvoice, formats: SumFormats) -> list[SumRow]:
    """All rows, from the lines before discounts to what has to be paid."""
    label = formats.label
    due = list(_due(einvoice, formats))
    return [
        *_before_tax(einvoice, formats),
        formats.row(label["subtotal"], einvoice.subtotal),
        *(row for rate in rates_of(einvoice) for row in _taxes(einvoice, rate, formats)),
        formats.row(label["grand_total"], einvoice.grand_total, is_result=True),
        *due,
        *([formats.row(label["payable"], einvoice.amount_due, is_result=True)] if due else []),
    ]


def rates_of(einvoice: Einvoice) -> list[RateSum]:
    """What is taxed and the tax, for each rate; allowances and charges of the document are in it."""
    sums = sum_by_rate((item.vat_rate, item.net, item.vat_amount) for item in einvoice.items)
    changes = document_allowances.adjustments(einvoice.allowances)
    return [RateSum(rate.rate, rate.net + changes.get(rate.rate, ZERO), rate.vat) for rate in sums]


def _before_tax(einvoice: Einvoice, formats: SumFormats) -> Iterator[SumRow]:
    label, discount = formats.label, einvoice.discount_total
    allowances = [row for row in einvoice.allowances if row["amount"]]
    lines = einvoice.subtotal + einvoice.allowance_total - einvoice.charge_total
    if discount:
        yield formats.row(label["gross_total"], lines + discount)
        yield formats.row(label["discounts"], -discount)
    if allowances:
        yield formats.row(label["line_total"], lines)
    for row in allowances:
        name = label["charge" if row["is_charge"] else "allowance"]
        percent = f" {formats.percent(Decimal(row['percent']))}" if row.get("percent") else ""
        reason = f": {row['reason']}" if row.get("reason") else ""
        yield formats.row(f"{name}{percent}{reason}", document_allowances.signed(row))


def _taxes(einvoice: Einvoice, rate: RateSum, formats: SumFormats) -> list[SumRow]:
    """The tax of a rate. In India, within a state, it is CGST and SGST in equal halves; else IGST."""
    percent = formats.percent(rate.rate)
    if einvoice.tax_rule != TaxRule.GST_ITEM:
        return [formats.row(f"{formats.label['vat_total']} {percent}", rate.vat)]
    if einvoice.is_interstate:
        return [formats.row(f"IGST {percent}", rate.vat)]
    half, percent = rate.vat / 2, formats.percent(rate.rate / 2)
    return [formats.row(f"{name} {percent}", half) for name in ("CGST", "SGST")]


def _due(einvoice: Einvoice, formats: SumFormats) -> Iterator[SumRow]:
    """What leads from the total to the payable amount; nothing where they are the same."""
    label, withheld = formats.label, einvoice.withholding_total or ZERO
    codes = [tax for total in withholding_of(einvoice) for tax in total.rows if tax.amount]
    if sum((tax.amount or ZERO for tax in codes), ZERO) == withheld:
        for tax in codes:
            code = f"{tax.type}, {formats.percent(tax.rate or ZERO)}"
            yield formats.row(f"{label['withheld']} ({code})", -(tax.amount or ZERO))
    elif withheld:  # of an e-invoice whose items do not say how it was computed
        yield formats.row(label["withheld"], -withheld)
    if einvoice.prepaid_amount:
        yield formats.row(label["prepaid"], -einvoice.prepaid_amount)
    if einvoice.rounding_amount:
        yield formats.row(label["rounding"], einvoice.rounding_amount)
