"""``/admin/settings/audit``: the audit trail, who did what to which object."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.accounts.audit_log import entries
from app.accounts.audit_log.schemas import AuditSearchQuery
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
    return render_template("admin/audit_list.html", found=found, filters=filters)
