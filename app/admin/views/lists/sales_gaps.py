"""``/admin/sales/gaps``: numbers of sales invoices that never arrived."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.accounts.guards import requires
from app.admin.list_query import link, parse_filters
from app.sales.queries import gaps
from app.sales.schemas.gaps import GapQuery

blp = Blueprint("sales_gaps", __name__, url_prefix="/sales/gaps")


@blp.get("")
@requires("sales:read")
def show() -> str:
    """The gaps of one series of sales invoices, and all series to choose from."""
    filters = parse_filters(GapQuery(partial=("prefix",)))
    values = filters.values
    report = None
    if "prefix" in filters.raw:
        report = gaps.report(values.get("prefix", ""), first=values.get("first"), last=values.get("last"))
    following = link(first=report["next_first"]) if report and report["next_first"] is not None else None
    return render_template(
        "admin/sales_gaps_show.html", report=report, series=gaps.list_series(), filters=filters, next_url=following
    )
