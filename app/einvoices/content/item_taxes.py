"""Taxes that are computed for each item: GST of India (CGST = SGST), and the withholding of VAT in Türkiye."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from app.einvoices.lifecycle.totals import (
    HUNDRED,
    ZERO,
    Line,
    LineSum,
    RateSum,
    Totals,
    net_amount,
    round_half_up,
    sum_by_rate,
    total_of,
)
from app.einvoices.models.einvoices import Einvoice, EinvoiceItem
from app.einvoices.models.legal_fields import TaxRule

#: Kinds of supply that always go to another state: to special economic zones and abroad.
_INTERSTATE = frozenset({"SEZWP", "SEZWOP", "EXPWP", "EXPWOP"})
_TWO = Decimal(2)


@dataclass(frozen=True, slots=True)
class TaxMode:
    """How the taxes of a document are computed."""

    rule: TaxRule = TaxRule.PER_RATE
    #: Of ``gst_item``: IGST is due instead of CGST and SGST.
    is_interstate: bool | None = None


@dataclass(frozen=True, slots=True)
class TaxLeft:
    """The tax of an item that can still be given back, and whether this is the last time."""

    amount: Decimal
    is_last: bool


class TaxedSeller(Protocol):
    """What the mode needs of a seller."""

    tax_id: str
    tax_rule: str


def mode_of(seller: TaxedSeller, einvoice: Einvoice) -> TaxMode:
    """The mode that the seller, the buyer and the kind of supply demand."""
    if seller.tax_rule != TaxRule.GST_ITEM:
        return TaxMode()
    if (einvoice.legal or {}).get("supply_type") in _INTERSTATE:
        return TaxMode(TaxRule.GST_ITEM, is_interstate=True)
    place = _place_of_supply(einvoice)
    return TaxMode(TaxRule.GST_ITEM, is_interstate=place is not None and place != state_of(seller.tax_id))


def stored_mode(einvoice: Einvoice) -> TaxMode:
    """The mode by which the amounts of an e-invoice were computed."""
    return TaxMode(TaxRule(einvoice.tax_rule or TaxRule.PER_RATE), einvoice.is_interstate)


def state_of(gstin: str) -> str | None:
    """The code of the state at the start of a GSTIN."""
    return gstin[:2] if len(gstin) == len("29AAGCB7383J1Z4") and gstin[:2].isdigit() else None


def compute_per_item(
    lines: Sequence[Line],
    digits: int,
    *,
    is_interstate: bool,
    shares: Sequence[Decimal] | None = None,
    left: Sequence[TaxLeft] | None = None,
) -> Totals:
    """The totals of lines whose tax is computed item by item.

    Within a state CGST and SGST are equal, so the tax of an item is twice the rounded half.

    Args:
        shares: what each line bears of the allowances of the document, which reduce what is taxed.
        left: of a credit note, the tax of each line that may still be given back.
    """
    sums, taxed = [], []
    for index, line in enumerate(lines):
        net = net_amount(line, digits)
        taxed.append(net + (shares[index] if shares else ZERO))
        exact = taxed[index] * line.vat_rate / HUNDRED
        tax = round_half_up(exact, digits) if is_interstate else _TWO * round_half_up(exact / _TWO, digits)
        if left is not None:
            tax = left[index].amount if left[index].is_last else min(tax, left[index].amount)
        sums.append(LineSum(net, tax))
    rates: list[RateSum] = sum_by_rate(
        (line.vat_rate, base, line_sum.vat) for line, base, line_sum in zip(lines, taxed, sums, strict=True)
    )
    return total_of(lines, sums, rates, sum(taxed, ZERO))


def own_vat(item: EinvoiceItem, digits: int) -> Decimal:
    """The VAT of an item alone; ``vat_amount`` is its share of the VAT of the rate, which is rounded once."""
    return round_half_up(item.net * item.vat_rate / HUNDRED, digits)


def withhold(items: Iterable[EinvoiceItem], digits: int) -> Decimal | None:
    """Set the VAT that is withheld of each item; the sum, rounded once for each code and percent, or None."""
    bases: dict[tuple[str, Decimal], Decimal] = {}
    for item in items:
        if item.withholding_code is None or item.withholding_rate is None:
            continue
        base = own_vat(item, digits)
        item.withheld_amount = round_half_up(base * item.withholding_rate / HUNDRED, digits)
        key = (item.withholding_code, item.withholding_rate)
        bases[key] = bases.get(key, ZERO) + base
    amounts = [round_half_up(base * rate / HUNDRED, digits) for (_, rate), base in bases.items()]
    return sum(amounts, ZERO) if amounts else None


def _place_of_supply(einvoice: Einvoice) -> str | None:
    facts = einvoice.buyer_legal or {}
    region: str | None = (facts.get("postal_address") or {}).get("region")
    place: str | None = facts.get("place_of_supply") or state_of(einvoice.buyer_tax_id)
    return place or (region if region and region.isdigit() else None)
