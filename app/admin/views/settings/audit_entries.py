"""``/admin/settings/audit``: the audit trail, who did what to which object."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from app.accounts.audit_log import entries
from app.accounts.audit_log.api import answer_export
from app.accounts.audit_log.schemas import AuditExportQuery, AuditSearchQuery
from app.accounts.guards import SETTINGS, requires
from app.accounts.ownership import scope
from app.admin.list_query import parse_filters

blp = Blueprint("audit_entries", __name__, url_prefix="/settings/audit")


@blp.get("")
@requires(SETTINGS)
def index() -> str:
    """Entries that concern the viewer; an administrator sees all entries."""
    filters = parse_filters(AuditSearchQuery())
    found = entries.search(filters.values, scope=scope())
    export_url = f"{url_for('admin.audit_entries.export')}?{request.query_string.decode()}"
    return render_template("admin/audit_list.html", found=found, filters=filters, export_url=export_url)


@blp.get("/export")
@requires(SETTINGS)
def export() -> Response:
    """The entries that match the filters, as a CSV file."""
    return answer_export(parse_filters(AuditExportQuery()).values)
