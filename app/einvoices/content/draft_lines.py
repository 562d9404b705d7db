"""Lines of a draft: their facts, amounts and taxes, and the totals that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.einvoices.content import document_allowances, item_taxes
from app.einvoices.content.item_taxes import TaxLeft, TaxMode
from app.einvoices.content.withheld_vat import complete_withholding
from app.einvoices.currencies import CURRENCIES
from app.einvoices.lifecycle import inclusive_prices, totals
from app.einvoices.models.einvoices import Einvoice, EinvoiceItem
from app.einvoices.models.legal_fields import ITEM_FACTS, TaxRule
from app.einvoices.models.sellers import SellerProfile
from app.extensions import db
from app.kernel import json
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message
from app.kernel.money import LARGEST_AMOUNT

_TOTALS = ("subtotal", "discount_total", "tax_total", "grand_total")


def replace_lines(
    einvoice: Einvoice, items: Sequence[Mapping[str, Any]], seller: SellerProfile, *, include_vat: bool
) -> None:
    """Replace all lines, and compute the totals; the tax mode is that of the seller now.

    Raises:
        Invalid: a discount is larger than its line, an allowance does not fit, or the total is too large.
    """
    digits, default_rate = CURRENCIES[einvoice.currency], seller.default_vat_rate
    items = [complete_withholding(index, item) for index, item in enumerate(items)]
    lines = [_line(item, default_rate) for item in items]
    if faults := dict(_find_faults(lines, items, digits)):
        raise Invalid({"items": faults})
    mode = item_taxes.mode_of(seller, einvoice)
    if mode.rule is TaxRule.GST_ITEM:
        _refuse_withholding(items)
    if einvoice.items:
        einvoice.items.clear()
        db.session.flush()  # delete the old lines first: line numbers are unique
    einvoice.tax_rule, einvoice.is_interstate = mode.rule.value, mode.is_interstate
    sums: totals.Totals | None = None
    if include_vat:
        lines, sums = inclusive_prices.take_out_vat(lines, digits)
    rows = _complete_allowances(einvoice, lines, digits, mode)
    if sums is None or rows or mode.rule is TaxRule.GST_ITEM:
        sums = compute_sums(lines, digits, mode, rows)
    set_lines(einvoice, items, lines, sums)


def compute_sums(
    lines: Sequence[totals.Line],
    digits: int,
    mode: TaxMode,
    rows: Sequence[document_allowances.Row],
    left: Sequence[TaxLeft] | None = None,
) -> totals.Totals:
    """The totals of lines with the allowances and charges of the document.

    Args:
        left: of a credit note under ``gst_item``, the tax of each line that may still be given back.
    """
    if mode.rule is TaxRule.GST_ITEM:
        nets = [(line.vat_rate, totals.net_amount(line, digits)) for line in lines]
        shares = document_allowances.shares_of_lines(rows, nets, digits)
        return item_taxes.compute_per_item(
            lines, digits, is_interstate=bool(mode.is_interstate), shares=shares, left=left
        )
    return totals.compute(lines, digits, adjustments=document_allowances.adjustments(rows))


def set_lines(
    einvoice: Einvoice, items: Sequence[Mapping[str, Any]], lines: Sequence[totals.Line], sums: totals.Totals
) -> None:
    """Set the lines and totals of an e-invoice.

    Raises:
        Invalid: the total is larger than the largest amount. (No line is larger than the total.)
    """
    if sums.grand_total > LARGEST_AMOUNT:
        raise Invalid({"items": [Message(N_("The total may not be larger than %(n)s."), n=LARGEST_AMOUNT)]})
    for number, (item, line, line_sum) in enumerate(zip(items, lines, sums.lines, strict=True), start=1):
        einvoice.items.append(
            EinvoiceItem(
                line_no=number,
                sku=item.get("sku", ""),
                name=item["name"],
                quantity=line.quantity,
                unit_price=line.unit_price,
                discount_amount=line.discount,
                vat_rate=line.vat_rate,
                net=line_sum.net,
                vat_amount=line_sum.vat,
                total=line_sum.total,
                original_item_id=item.get("original_item_id"),
                credited_quantity=Decimal(0),
                credited_net=Decimal(0),
                **{name: item[name] for name in ITEM_FACTS if item.get(name) is not None and item[name] != ""},
            )
        )
    einvoice.withholding_total = item_taxes.withhold(einvoice.items, CURRENCIES[einvoice.currency])
    for name in _TOTALS:
        setattr(einvoice, name, getattr(sums, name))


def values_of(item: EinvoiceItem) -> dict[str, Any]:
    """The values of a stored line as a request has them."""
    names = ("sku", "name", "quantity", "unit_price", "discount_amount", "vat_rate", *ITEM_FACTS)
    return {name: getattr(item, name) for name in names}


def _line(item: Mapping[str, Any], default_rate: Decimal) -> totals.Line:
    return totals.Line(
        quantity=item["quantity"],
        unit_price=item["unit_price"],
        discount=item.get("discount_amount", Decimal(0)),
        vat_rate=item.get("vat_rate", default_rate),
    )


def _complete_allowances(
    einvoice: Einvoice, lines: Sequence[totals.Line], digits: int, mode: TaxMode
) -> list[document_allowances.Row]:
    """The allowances and charges with their amounts, as they are stored."""
    if not einvoice.allowances:
        return []
    nets: dict[Decimal, Decimal] = {}
    for line in lines:
        nets[line.vat_rate] = nets.get(line.vat_rate, totals.ZERO) + totals.net_amount(line, digits)
    may_charge = mode.rule is TaxRule.PER_RATE
    rows = document_allowances.complete(einvoice.allowances, nets, digits, may_charge=may_charge)
    einvoice.legal = json.decode(json.encode({**(einvoice.legal or {}), "allowances": rows}))
    return rows


def _find_faults(
    lines: Sequence[totals.Line], items: Sequence[Mapping[str, Any]], digits: int
) -> Iterator[tuple[int, Any]]:
    for index, (line, item) in enumerate(zip(lines, items, strict=True)):
        if line.discount > line.quantity * line.unit_price:
            yield index, {"discount_amount": [N_("The discount may not be larger than quantity × unit price.")]}
        elif line.discount != totals.round_half_up(line.discount, digits):
            text = Message(N_("Ensure that there are no more than %(places)s decimal places."), places=digits)
            yield index, {"discount_amount": [text]}
        elif fault := _category_fault(item.get("vat_category"), line.vat_rate):
            yield index, {"vat_category": [fault]}


def _category_fault(category: str | None, rate: Decimal) -> str | None:
    if category == "S" and not rate:
        return N_("The category S needs a VAT rate above zero.")
    if category not in {None, "S", "L", "M"} and rate:
        return N_("This VAT category needs the VAT rate 0.")
    return None


def _refuse_withholding(items: Sequence[Mapping[str, Any]]) -> None:
    text = N_("Nothing is withheld under the tax rule gst_item.")
    faults = {n: {"withholding_code": [text]} for n, item in enumerate(items) if item.get("withholding_code")}
    if faults:
        raise Invalid({"items": faults})
