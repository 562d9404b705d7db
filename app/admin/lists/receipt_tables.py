"""Lists of goods receipts: receipts, the rolls of a fabric item, and the rolls of all receipts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext, lazy_gettext

from app.admin.lists.columns import Column, Details, define, field
from app.admin.lists.list_view import Step
from app.grn import masters
from app.grn.models.receipts import GoodsReceipt


def _grns(row: GoodsReceipt, _more: Details) -> list[str]:
    return list(dict.fromkeys(item.grn for item in row.fabric_items))


RECEIPTS = define(
    "receipts",
    lazy_gettext("Goods receipts"),
    (
        Column("number", lazy_gettext("Invoice"), field("invoice_no"), sort="number", always=True),
        Column("supplier", lazy_gettext("Supplier"), lambda row, more: more["suppliers"][row.supplier_id], "text"),
        Column("invoiced", lazy_gettext("Invoice date"), field("invoice_date"), hidden=True),
        Column("created", lazy_gettext("Created"), field("created_at"), sort="-created"),
        Column("grn", lazy_gettext("GRN"), _grns, "text"),
        Column("erp", lazy_gettext("ERP number"), field("erp_invoice_no"), hidden=True),
        Column("external", lazy_gettext("External ID"), field("external_id"), "text", hidden=True),
        Column("items", lazy_gettext("Items"), lambda row, _: len(row.fabric_items), "number"),
        Column(
            "rolls", lazy_gettext("Rolls"), lambda row, _: sum(item.roll_count for item in row.fabric_items), "number"
        ),
    ),
)
ROLLS = define(
    "rolls",
    lazy_gettext("Rolls"),
    (
        Column("number", lazy_gettext("Roll"), field("supplier_roll_no"), sort="number", always=True),
        Column("factory", lazy_gettext("Factory number"), field("factory_roll_no")),
        Column("length", lazy_gettext("Length"), field("length"), "number"),
        Column("width", lazy_gettext("Width"), field("width"), "number"),
        Column("weight", lazy_gettext("Weight"), field("weight"), "number"),
        Column("usable", lazy_gettext("Usable length"), field("effective_length"), "number"),
        Column("shade", lazy_gettext("Shade"), field("shade")),
        Column("inspected", lazy_gettext("Inspected"), field("inspected_at")),
    ),
)

STOCK = define(
    "stock",
    lazy_gettext("Rolls"),
    (
        Column("number", lazy_gettext("Roll"), field("supplier_roll_no"), sort="number", always=True),
        Column("factory", lazy_gettext("Factory number"), field("factory_roll_no")),
        Column("fabric", lazy_gettext("Fabric"), lambda row, more: more["fabrics"][row.item.fabric_id], "text"),
        Column("color", lazy_gettext("Colour"), lambda row, _: row.item.color, "text"),
        Column("state", lazy_gettext("Status"), lambda row, _: "inspected" if row.inspected_at else "waiting"),
        Column("length", lazy_gettext("Length"), field("length"), "number"),
        Column("width", lazy_gettext("Width"), field("width"), "number"),
        Column("weight", lazy_gettext("Weight"), field("weight"), "number", hidden=True),
        Column("usable", lazy_gettext("Usable length"), field("effective_length"), "number", hidden=True),
        Column("shade", lazy_gettext("Shade"), field("shade")),
        Column("warehouse", lazy_gettext("Warehouse"), lambda row, _: row.item.warehouse, "text"),
        Column("grn", lazy_gettext("GRN"), lambda row, _: row.item.grn, "text", hidden=True),
        Column("receipt", lazy_gettext("Invoice"), lambda row, _: row.item.receipt.invoice_no, "text"),
        Column("created", lazy_gettext("Received"), lambda row, _: row.item.receipt.created_at, sort="-created"),
        Column("inspected", lazy_gettext("Inspected"), field("inspected_at"), hidden=True),
    ),
)


def details(rows: Sequence[Any]) -> Details:
    """The names of the suppliers."""
    return {"suppliers": masters.find_names(masters.SUPPLIERS, [receipt.supplier_id for receipt in rows])}


def steps() -> list[Step]:
    """The papers of chosen receipts."""
    return [
        Step(url_for("admin.receipt_steps.papers", kind="labels"), gettext("Download roll labels"), "download"),
        Step(url_for("admin.receipt_steps.papers", kind="note"), gettext("Download notes"), "download"),
    ]


def fabrics_of_rolls(rows: Sequence[Any]) -> Details:
    """The names of the fabrics."""
    return {"fabrics": masters.find_names(masters.FABRICS, [roll.item.fabric_id for roll in rows])}
