"""Lists of sales: invoices and the queues of the floor, the review desk, customers and salesmen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext

from app.admin.lists.columns import Column, Details, define, field
from app.kernel.pagination.walk import Count

INVOICES = define(
    "sales",
    lazy_gettext("Sales invoices"),
    (
        Column("number", lazy_gettext("Number"), field("invoice_no"), sort="number", always=True),
        Column("date", lazy_gettext("Date"), field("invoice_date"), sort="-date"),
        Column("customer", lazy_gettext("Customer"), lambda row, _: row.customer.name, "text"),
        Column("customer_code", lazy_gettext("Customer code"), lambda row, _: row.customer.code, hidden=True),
        Column("salesman", lazy_gettext("Salesman"), field("salesman_name"), "text", hidden=True),
        Column("status", lazy_gettext("Status"), field("status")),
        Column("billing", lazy_gettext("Billing"), field("billing_status"), hidden=True),
        Column("priority", lazy_gettext("Priority"), field("priority")),
        Column(
            "worker", lazy_gettext("Worker"), lambda row, _: row.handling.worker.name if row.handling else None, "text"
        ),
        Column("remarks", lazy_gettext("Remarks"), field("remarks"), "text", hidden=True),
        Column("imported", lazy_gettext("Imported"), field("created_at"), sort="-created", hidden=True),
        Column("total", lazy_gettext("Total"), field("total_amount"), "number"),
    ),
)
REVIEW = define(
    "review",
    lazy_gettext("Review desk"),
    (
        Column("number", lazy_gettext("Number"), field("invoice_no"), sort="number", always=True),
        Column("customer", lazy_gettext("Customer"), lambda row, _: row.customer.name, "text"),
        Column("reason", lazy_gettext("Reason"), lambda row, _: row.return_info.reason, "text"),
        Column("returned_by", lazy_gettext("Returned by"), lambda row, _: row.return_info.returned_by, "text"),
        Column("section", lazy_gettext("Section"), lambda row, _: row.return_info.section),
        Column("waiting", lazy_gettext("Waiting for"), lambda row, _: row.return_info.returned_at, sort="queue"),
        Column("total", lazy_gettext("Total"), field("total_amount"), "number"),
    ),
)


def _invoices(row: Any, more: Details) -> str:
    count: Count = more["business"][row.id].invoices
    return f"{count.number}{'' if count.exact else '+'}"


def _undelivered(row: Any, more: Details) -> int:
    number: int = more["business"][row.id].undelivered
    return number


def _amount(row: Any, more: Details) -> Decimal:
    amount: Decimal = more["business"][row.id].undelivered_amount
    return amount


_BUSINESS = (
    Column("invoices", lazy_gettext("Invoices"), _invoices, "number"),
    Column("undelivered", lazy_gettext("Not delivered"), _undelivered, "number"),
    Column("amount", lazy_gettext("Amount not delivered"), _amount, "number"),
)
CUSTOMERS = define(
    "customers",
    lazy_gettext("Customers"),
    (
        Column("name", lazy_gettext("Name"), field("name"), "text", sort="name", always=True),
        Column("code", lazy_gettext("Code"), field("code"), sort="code"),
        Column("area", lazy_gettext("Area"), field("area"), "text"),
        Column("phone", lazy_gettext("Phone"), field("phone1")),
        Column("email", lazy_gettext("E-mail"), field("email"), "text", hidden=True),
        *_BUSINESS,
    ),
)
SALESMEN = define(
    "salesmen",
    lazy_gettext("Salesmen"),
    (Column("name", lazy_gettext("Name"), field("name"), "text", sort="name", always=True), *_BUSINESS),
)
