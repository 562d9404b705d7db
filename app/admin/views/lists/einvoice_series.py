"""``/admin/einvoices/series``: numbers of e-invoices that are used, cancelled or missing."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.accounts.ownership import chosen_owner, scope
from app.admin.list_query import parse_filters
from app.einvoices.access import requires_einvoices
from app.einvoices.lifecycle import numbering
from app.einvoices.queries import work_list
from app.kernel.database.sequences import MAX_ID
from app.kernel.schemas.fields import Number, Schema

blp = Blueprint("einvoice_series", __name__, url_prefix="/einvoices/series")


class OwnerQuery(Schema):
    """Whose series an administrator reads."""

    owner_id = Number(1, MAX_ID, load_default=None)


@blp.get("")
@requires_einvoices("einvoices:read")
def index() -> str:
    """Each series of e-invoices of the viewer; an administrator chooses another owner."""
    filters = parse_filters(OwnerQuery())
    owner = chosen_owner(filters.values["owner_id"])
    return render_template(
        "admin/einvoice_series_list.html",
        series=numbering.series_report(owner),
        owner=owner,
        owners=work_list.list_owners() if scope() is None else [],
        filters=filters,
    )
