"""Look-up of sales invoices by id and by number, with locks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message
from app.kernel.pagination.byte_limit import MAX_MIB, fitting_rows
from app.sales.errors import UnknownInvoice
from app.sales.models.floor import Assignment
from app.sales.models.invoices import ReturnRecord, SalesInvoice, SalesItem

#: Everything that ``InvoiceSchema`` shows, in three statements for any number of invoices.
FULL = (
    joinedload(SalesInvoice.customer),
    joinedload(SalesInvoice.salesman),
    joinedload(SalesInvoice.courier),
    joinedload(SalesInvoice.handling).joinedload(Assignment.session),
    selectinload(SalesInvoice.items),
    selectinload(SalesInvoice.returns),
)
#: What of ``FULL`` has several rows for an invoice.
PARTS = ((SalesItem.invoice_id,), (ReturnRecord.invoice_id,))


def find(invoice_id: int) -> SalesInvoice:
    """An invoice by id, in full.

    Raises:
        UnknownInvoice: there is none.
    """
    return _one(select(SalesInvoice).where(SalesInvoice.id == invoice_id))


def find_by_number(invoice_no: str, *, lock: bool = False) -> SalesInvoice:
    """An invoice by its number, in full; ``lock`` holds the row until the transaction ends.

    Raises:
        UnknownInvoice: there is none.
    """
    query = select(SalesInvoice).where(SalesInvoice.invoice_no == invoice_no)
    if lock:
        # A separate statement: a join would return values from before the lock.
        db.session.execute(query.with_only_columns(SalesInvoice.id).with_for_update())
    return _one(query)


def lock_by_numbers(numbers: Collection[str]) -> dict[str, SalesInvoice]:
    """Invoices by their numbers, in full, each row held until the transaction ends; unknown numbers are left out.

    Raises:
        Invalid: together they are too large for one answer.
    """
    query = select(SalesInvoice).where(SalesInvoice.invoice_no.in_(numbers)).order_by(SalesInvoice.id)
    locked = db.session.scalars(query.with_only_columns(SalesInvoice.id).with_for_update()).all()
    page = query.limit(len(numbers)).execution_options(populate_existing=True)
    found, is_cut = fitting_rows(page, [SalesInvoice.id], options=FULL, parts=PARTS)
    if is_cut:
        text = N_("These %(count)s invoices have more than %(n)s MiB together. Send fewer at a time.")
        raise Invalid({"invoices": [Message(text, count=len(locked), n=MAX_MIB)]})
    return {invoice.invoice_no: invoice for invoice in found}


def _one(query: Select[Any]) -> SalesInvoice:
    invoice: SalesInvoice | None = db.session.scalar(query.options(*FULL).execution_options(populate_existing=True))
    if invoice is None:
        raise UnknownInvoice
    return invoice
