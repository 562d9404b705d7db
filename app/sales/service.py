"""Finding sales invoices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.extensions import db
from app.kernel.pages import Page, page_of
from app.sales.errors import UnknownInvoice
from app.sales.models import Customer, SalesInvoice, Salesman

#: Everything that ``InvoiceSchema`` shows, in four statements however many invoices.
FULL = (
    joinedload(SalesInvoice.customer),
    joinedload(SalesInvoice.salesman),
    selectinload(SalesInvoice.items),
    selectinload(SalesInvoice.returns),
)


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
    return _one(query.with_for_update(of=SalesInvoice) if lock else query)


def find_page(filters: Mapping[str, Any]) -> Page:
    """One page of the invoices that all ``filters`` hold for, newest first."""
    return page_of(_filtered(filters), SalesInvoice.id, dict(filters), options=FULL)


def _one(query: Select[Any]) -> SalesInvoice:
    invoice: SalesInvoice | None = db.session.scalar(query.options(*FULL).execution_options(populate_existing=True))
    if invoice is None:
        raise UnknownInvoice
    return invoice


def _filtered(filters: Mapping[str, Any]) -> Select[Any]:
    query = select(SalesInvoice)
    if filters["status"]:
        query = query.where(SalesInvoice.status.in_(filters["status"]))
    for name in ("billing_status", "priority"):
        if name in filters:
            query = query.where(getattr(SalesInvoice, name) == filters[name])
    if "customer" in filters:
        query = query.where(SalesInvoice.customer.has(Customer.code == filters["customer"]))
    if "salesman" in filters:
        query = query.where(SalesInvoice.salesman.has(Salesman.name == filters["salesman"]))
    if "date_from" in filters:
        query = query.where(SalesInvoice.invoice_date >= filters["date_from"])
    if "date_to" in filters:
        query = query.where(SalesInvoice.invoice_date <= filters["date_to"])
    return _searched(query, filters["search"]) if filters.get("search") else query


def _searched(query: Select[Any], words: str) -> Select[Any]:
    return query.join(SalesInvoice.customer).where(
        or_(
            SalesInvoice.invoice_no.icontains(words, autoescape=True),
            Customer.name.icontains(words, autoescape=True),
            Customer.code.icontains(words, autoescape=True),
        )
    )
