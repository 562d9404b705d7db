"""Lists of sales: invoices and the queues of the floor, the review desk."""

from __future__ import annotations

from flask_babel import lazy_gettext

from app.admin.lists.columns import Column, define, field

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
