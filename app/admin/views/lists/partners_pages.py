"""``/admin/sales/customers`` and ``/admin/sales/salesmen``: their invoices, and what is not delivered yet."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.admin.list_query import parse_filters
from app.admin.lists.list_view import show_list
from app.admin.lists.sales_tables import CUSTOMERS, SALESMEN
from app.sales.queries import partners
from app.sales.schemas.masters import MasterQuery

blp = Blueprint("partners", __name__, url_prefix="/sales")


@blp.get("/customers")
@requires("sales:read")
def customers() -> str | Response:
    """Customers by name."""
    filters = parse_filters(MasterQuery(only=("search",)))
    return show_list(
        "admin/partners_list.html",
        CUSTOMERS,
        partners.customers(filters.values),
        filters,
        details=lambda rows: {"business": partners.business_of_customers([row.id for row in rows])},
    )


@blp.get("/salesmen")
@requires("sales:read")
def salesmen() -> str | Response:
    """Salesmen by name."""
    filters = parse_filters(MasterQuery(only=("search",)))
    return show_list(
        "admin/partners_list.html",
        SALESMEN,
        partners.salesmen(filters.values),
        filters,
        details=lambda rows: {"business": partners.business_of_salesmen([row.id for row in rows])},
    )
