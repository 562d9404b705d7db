"""Filters of lists and exports of invoices."""

from __future__ import annotations

from app.kernel.pagination.keyset import LargePageQuery
from app.kernel.schemas import validators
from app.kernel.schemas.fields import CalendarDate, Choice, Identifier, Schema, Text
from app.kernel.schemas.list_field import List
from app.sales.state_machine import BillingStatus, Priority, Status

#: Repetitions of ``status=`` in one query.
MAX_STATUSES = 50


class InvoiceFilters(Schema):
    """Filters of a list; an invoice must match all of them."""

    status = List(
        Choice(*Status),
        load_default=list,
        validate=validators.Length(max=MAX_STATUSES),
        metadata={"description": "May be repeated."},
    )
    billing_status = Choice(*BillingStatus)
    priority = Choice(*Priority)
    customer = Identifier(50, metadata={"description": "The customer's code."})
    salesman = Identifier(200, metadata={"description": "The salesman's name."})
    date_from = CalendarDate(metadata={"description": "First invoice date."})
    date_to = CalendarDate(metadata={"description": "Last invoice date."})
    search = Text(
        100,
        metadata={
            "description": "Beginnings of up to eight words of the number, the customer's name or code, and the items."
        },
    )


class InvoiceQuery(InvoiceFilters, LargePageQuery):
    """A filtered list, page by page."""


class ExportQuery(InvoiceFilters):
    """A filtered list as a file."""

    format = Choice("csv", "xlsx", load_default="csv")
    rows = Choice(
        "invoices",
        "items",
        load_default="invoices",
        metadata={"description": "A row for each invoice, or for each item (which `flask sales import` reads back)."},
    )
