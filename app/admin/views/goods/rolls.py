"""``/admin/rolls``: the rolls of all goods receipts."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.admin.list_query import parse_filters
from app.admin.lists import receipt_tables
from app.admin.lists.list_view import show_list
from app.grn.receipts import roll_list
from app.grn.schemas.filters import RollFilters

blp = Blueprint("rolls", __name__, url_prefix="/rolls")


@blp.get("")
@requires("grn:read")
def index() -> str | Response:
    """Rolls that match the filters, newest first."""
    filters = parse_filters(RollFilters())
    return show_list(
        "admin/rolls_list.html",
        receipt_tables.STOCK,
        roll_list.source(filters.values),
        filters,
        details=receipt_tables.fabrics_of_rolls,
    )
