"""Lines, allowances, taxes and totals of the canonical form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.einvoices.content import document_allowances
from app.einvoices.content.item_taxes import own_vat
from app.einvoices.currencies import CURRENCIES
from app.einvoices.lifecycle.totals import HUNDRED, ZERO, RateSum, distribute, round_half_up, sum_by_rate
from app.einvoices.models.einvoices import Einvoice, EinvoiceItem
from app.formats.canonical import AllowanceCharge, Identifier, Item, Line, Price, Tax, TaxTotal, Totals

#: Scheme of a GTIN in ISO 6523, and the name of the list of India.
_GTIN, _HSN = "0160", "HSN"


def line_of(item: EinvoiceItem, digits: int, currency: str) -> Line:
    """A line; its price is the stored one, with up to ten decimals."""
    return Line(
        id=str(item.line_no),
        order_line=item.order_line,
        quantity=item.quantity,
        unit=item.unit,
        price=Price(net=item.unit_price),
        net=item.net,
        allowances=_discount(item),
        tax=category_of(item),
        withholdings=_withheld(item, digits, currency),
        item=_article(item),
    )


def category_of(item: EinvoiceItem) -> Tax:
    """Category and rate of a line. A rate above zero is the standard category; at zero the category is not guessed."""
    return Tax(
        category=item.vat_category or ("S" if item.vat_rate else None),
        rate=item.vat_rate,
        exemption_code=item.exemption_code,
        exemption_reason=item.exemption_reason,
    )


def allowances_of(einvoice: Einvoice) -> tuple[AllowanceCharge, ...]:
    """The allowances and charges of the document; those of nothing are left out."""
    return tuple(_allowance(row, einvoice.items) for row in einvoice.allowances if row["amount"])


def vat_of(einvoice: Einvoice) -> Iterator[TaxTotal]:
    """The VAT of the document, a row for each category, rate and exemption; then that in the currency of the accounts.

    The VAT of a rate is rounded once. Where several categories share a rate, each has its share of that.
    """
    digits = CURRENCIES[einvoice.currency]
    bases: dict[Tax, Decimal] = {}
    for item in einvoice.items:
        tax = category_of(item)
        bases[tax] = bases.get(tax, ZERO) + item.net
    for row in einvoice.allowances:
        tax = _tax_of(row, einvoice.items)
        bases[tax] = bases.get(tax, ZERO) + document_allowances.signed(row)
    sums = sum_by_rate((item.vat_rate, item.net, item.vat_amount) for item in einvoice.items)
    rows = [row for each in sums for row in _rows(each, bases, digits)]
    yield TaxTotal(amount=einvoice.tax_total, currency=einvoice.currency, rows=tuple(rows))
    facts = einvoice.legal or {}
    currency, rate = facts.get("tax_currency"), facts.get("exchange_rate")
    if currency not in {None, einvoice.currency} and rate is not None:
        amount = round_half_up(einvoice.tax_total * Decimal(rate), CURRENCIES[currency])
        yield TaxTotal(amount=amount, currency=currency)


def withholding_of(einvoice: Einvoice) -> tuple[TaxTotal, ...]:
    """The VAT that the buyer withholds, a row for each code and percent."""
    digits = CURRENCIES[einvoice.currency]
    bases: dict[tuple[str, Decimal], Decimal] = {}
    for item in einvoice.items:
        if item.withholding_code and item.withholding_rate is not None:
            key = (item.withholding_code, item.withholding_rate)
            bases[key] = bases.get(key, ZERO) + own_vat(item, digits)
    rows = tuple(
        Tax(type=code, rate=rate, base=base, amount=round_half_up(base * rate / HUNDRED, digits))
        for (code, rate), base in bases.items()
    )
    return (TaxTotal(amount=einvoice.withholding_total, currency=einvoice.currency, rows=rows),) if rows else ()


def totals_of(einvoice: Einvoice) -> Totals:
    """The totals; those of nothing are left out."""
    return Totals(
        lines=sum((item.net for item in einvoice.items), ZERO),
        allowances=einvoice.allowance_total or None,
        charges=einvoice.charge_total or None,
        tax_exclusive=einvoice.subtotal,
        tax_inclusive=einvoice.grand_total,
        prepaid=einvoice.prepaid_amount or None,
        rounding=einvoice.rounding_amount or None,
        payable=einvoice.amount_due,
    )


def _rows(rate_sum: RateSum, bases: dict[Tax, Decimal], digits: int) -> list[Tax]:
    taxes = [tax for tax in bases if tax.rate == rate_sum.rate]
    amounts = distribute(rate_sum.vat, [bases[tax] for tax in taxes], digits)
    return [replace(tax, base=bases[tax], amount=amount) for tax, amount in zip(taxes, amounts, strict=True)]


def _discount(item: EinvoiceItem) -> tuple[AllowanceCharge, ...]:
    if not item.discount_amount:
        return ()
    code, reason = item.discount_reason_code, item.discount_reason
    return (AllowanceCharge(amount=item.discount_amount, reason=reason, reason_code=code),)


def _withheld(item: EinvoiceItem, digits: int, currency: str) -> tuple[TaxTotal, ...]:
    if not item.withholding_code or item.withheld_amount is None:
        return ()
    base, amount = own_vat(item, digits), item.withheld_amount
    row = Tax(type=item.withholding_code, rate=item.withholding_rate, base=base, amount=amount)
    return (TaxTotal(amount=amount, currency=currency, rows=(row,)),)


def _article(item: EinvoiceItem) -> Item:
    return Item(
        name=item.name,
        description=item.description,
        seller_id=item.sku or None,
        buyer_id=item.buyer_item_code,
        gtin=Identifier(value=item.gtin, scheme=_GTIN) if item.gtin else None,
        classifications=(Identifier(value=item.hsn, scheme=_HSN),) if item.hsn else (),
        origin=item.origin_country,
        batch=item.batch,
        expiry=item.expiry.isoformat() if item.expiry else None,
        serials=tuple(Identifier(value=each) for each in item.serials or ()),
        is_service=item.is_service,
    )


def _allowance(row: dict[str, Any], items: Sequence[EinvoiceItem]) -> AllowanceCharge:
    return AllowanceCharge(
        is_charge=row["is_charge"],
        amount=Decimal(row["amount"]),
        base=_decimal(row.get("base")),
        percent=_decimal(row.get("percent")),
        reason=row.get("reason"),
        reason_code=row.get("reason_code"),
        tax=_tax_of(row, items),
    )


def _tax_of(row: dict[str, Any], items: Sequence[EinvoiceItem]) -> Tax:
    """The tax of an allowance: as it says, else that of the first line with its rate."""
    rate = Decimal(row["vat_rate"])
    if category := row.get("vat_category"):
        code, reason = row.get("exemption_code"), row.get("exemption_reason")
        return Tax(category=category, rate=rate, exemption_code=code, exemption_reason=reason)
    return next((category_of(item) for item in items if item.vat_rate == rate), Tax(category="S", rate=rate))


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
