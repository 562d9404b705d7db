"""What a return or credit note gives back besides its lines: allowances of the document, and the tax of each item."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from app.einvoices.content.document_allowances import Row, credit_shares
from app.einvoices.content.item_taxes import TaxLeft
from app.einvoices.currencies import CURRENCIES
from app.einvoices.lifecycle.totals import ZERO
from app.einvoices.models.einvoices import Einvoice, EinvoiceItem
from app.einvoices.queries.lookup import ids_of_sale, is_in_force
from app.extensions import db


def allowances_of_credit(
    original: Einvoice, earlier: Sequence[Einvoice], credited: Sequence[tuple[EinvoiceItem, Decimal]]
) -> list[Row]:
    """The allowances and charges of a credit, in the order of those of its sale.

    Args:
        earlier: credits of the sale in force.
        credited: the lines of the sale, each with the net amount that the credit takes.
    """
    rows = original.allowances
    if not rows:
        return []
    left = [Decimal(row["amount"]) for row in rows]
    for credit in earlier:
        for place, row in enumerate(credit.allowances):
            left[place] -= Decimal(row["amount"])
    taken = {item.id: net for item, net in credited}
    nets: dict[Decimal, tuple[Decimal, Decimal, Decimal]] = {}
    for item in original.items:
        whole, remaining, part = nets.get(item.vat_rate, (ZERO, ZERO, ZERO))
        left_of_item = item.net - item.credited_net
        nets[item.vat_rate] = (whole + item.net, remaining + left_of_item, part + taken.get(item.id, ZERO))
    return credit_shares(rows, left, nets, CURRENCIES[original.currency])


def tax_left(original: Einvoice, selected: Sequence[tuple[EinvoiceItem, Decimal]]) -> list[TaxLeft]:
    """Of each line that is credited: the tax that no credit in force gave back, and whether nothing remains then."""
    of_sale = aliased(EinvoiceItem)
    query = (
        select(of_sale.line_no, func.sum(EinvoiceItem.vat_amount))
        .join(Einvoice, Einvoice.id == EinvoiceItem.einvoice_id)
        .join(of_sale, of_sale.id == EinvoiceItem.original_item_id)
        .where(Einvoice.original_id.in_(ids_of_sale(original)), is_in_force())
        .group_by(of_sale.line_no)
    )
    before = {line_no: tax for line_no, tax in db.session.execute(query)}  # noqa: C416 - the type is Row, not a pair
    return [
        TaxLeft(item.vat_amount - before.get(item.line_no, ZERO), item.credited_quantity + quantity == item.quantity)
        for item, quantity in selected
    ]
