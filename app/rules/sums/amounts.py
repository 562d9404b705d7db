"""``AmountTable``: the amounts of an invoice by field names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal

from app.formats.canonical import AllowanceCharge, Invoice, Line, Tax, TaxTotal, Totals
from app.formats.values import least_decimals
from app.rules.sums.equations import Amounts

_NEAR_UNITS = Decimal(5)
_TOTALS = tuple(field.name for field in fields(Totals))


class AmountTable:
    """The amounts of an invoice as ``lines[0].net`` or ``taxes[0].rows[1].amount``."""

    def __init__(self, invoice: Invoice) -> None:
        self.amounts = Amounts()
        #: An amount that is so close to another is meant to be it: five of the least unit.
        self.near = _NEAR_UNITS.scaleb(-least_decimals(invoice.currency))
        for name in _TOTALS:
            self._add(f"totals.{name}", getattr(invoice.totals, name))
        self._add("exchange_rate", invoice.exchange_rate)
        self._add_allowances("allowances", invoice.allowances)
        self._add_taxes("taxes", invoice.taxes)
        self._add_taxes("withholdings", invoice.withholdings)
        for place, line in enumerate(invoice.lines):
            self._add_line(f"lines[{place}]", line)

    def has(self, *fields: str) -> bool:
        """Whether the document has all these amounts."""
        return all(name in self.amounts for name in fields)

    def _add(self, name: str, value: Decimal | None) -> None:
        if value is not None:
            self.amounts[name] = value

    def _add_allowances(self, name: str, allowances: Sequence[AllowanceCharge]) -> None:
        for place, each in enumerate(allowances):
            self._add(f"{name}[{place}].amount", each.amount)
            self._add(f"{name}[{place}].base", each.base)
            self._add(f"{name}[{place}].percent", each.percent)

    def _add_taxes(self, name: str, totals: Sequence[TaxTotal]) -> None:
        for place, each in enumerate(totals):
            self._add(f"{name}[{place}].amount", each.amount)
            for row_place, row in enumerate(each.rows):
                self._add_tax(f"{name}[{place}].rows[{row_place}]", row)

    def _add_tax(self, name: str, tax: Tax) -> None:
        for field in ("base", "lines_base", "allowances_base", "amount"):
            self._add(f"{name}.{field}", getattr(tax, field))
        self._add(f"{name}.rate", tax.rate)

    def _add_line(self, name: str, line: Line) -> None:
        for field in ("quantity", "gross", "net", "total", "other_charges", "allowance_total"):
            self._add(f"{name}.{field}", getattr(line, field))
        for field in ("net", "base_quantity", "gross", "discount", "discount_base"):
            self._add(f"{name}.price.{field}", getattr(line.price, field))
        self._add_allowances(f"{name}.price.discounts", line.price.discounts)
        if line.price.discounts:  # no document has their sum
            self.amounts.pop(f"{name}.price.discount", None)
        self._add_allowances(f"{name}.allowances", line.allowances)
        self._add_taxes(f"{name}.taxes", line.taxes)
        self._add_taxes(f"{name}.withholdings", line.withholdings)
        if line.tax is not None:
            self._add_tax(f"{name}.tax", line.tax)


def allowance_fields(name: str, allowances: Sequence[AllowanceCharge]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields of the amounts of allowances, and of charges."""
    fields = [(f"{name}[{place}].amount", each.is_charge) for place, each in enumerate(allowances)]
    return tuple(field for field, is_charge in fields if not is_charge), tuple(
        field for field, is_charge in fields if is_charge
    )
