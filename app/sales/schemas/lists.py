"""Filters of lists and exports of invoices."""

from __future__ import annotations

from marshmallow import fields

from app.kernel.pagination.keyset import LargePageQuery
from app.kernel.schemas.fields import CalendarDate, Choice, Identifier, Schema, Text
from app.sales.state_machine import BillingStatus, Priority, Status


class InvoiceFilters(Schema):
    """Filters of a list; an invoice must match all of them."""

    status = fields.List(Choice(*Status), load_default=list, metadata={"description": "May be repeated."})
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
