"""``/admin/audit``: the audit trail, who did what to which object; and the trail on the page of an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from app.accounts.audit_log import entries
from app.accounts.audit_log.api import answer_export
from app.accounts.audit_log.schemas import AuditExportQuery, AuditSearchQuery
from app.accounts.call_log import credential_names
from app.accounts.guards import SETTINGS, requires
from app.accounts.models.accounts import AuditEntry
from app.accounts.ownership import scope
from app.admin.list_query import parse_filters
from app.admin.lists.columns import Details
from app.admin.lists.list_view import show_list
from app.admin.lists.settings_tables import AUDIT
from app.admin.viewer import viewer
from app.kernel import json

#: Entries on the page of an object.
SHOWN = 10

blp = Blueprint("audit_entries", __name__, url_prefix="/audit")


@blp.get("")
@requires(SETTINGS)
def index() -> str | Response:
    """Entries that concern the viewer; an administrator sees all entries."""
    filters = parse_filters(AuditSearchQuery(exclude=("page_size", "cursor")))
    source = entries.source(filters.values, scope=scope())
    export_url = f"{url_for('admin.audit_entries.export')}?{request.query_string.decode()}"
    return show_list("admin/audit_list.html", AUDIT, source, filters, details=_actors, export_url=export_url)


def _actors(rows: Sequence[AuditEntry]) -> Details:
    return {"actors": credential_names({name for entry in rows for name in (entry.actor, entry.subject)})}


@blp.get("/export")
@requires(SETTINGS)
def export() -> Response:
    """The entries that match the filters, as a CSV file."""
    return answer_export(parse_filters(AuditExportQuery()).values)


def object_trail(subject: str) -> list[dict[str, Any]] | None:
    """The newest entries about an object, for its page; None if the viewer may not read the trail."""
    present = viewer()
    if present is None or not present.may_open("admin.audit_entries.index"):
        return None
    found = entries.search(AuditSearchQuery().load({"subject": subject, "page_size": SHOWN}), scope=scope())
    return [
        {
            "at": entry.created_at,
            "title": entry.action,
            "who": found.actors.get(entry.actor) or entry.actor,
            "note": _note(entry.details),
        }
        for entry in found.entries
    ]


def _note(details: dict[str, Any]) -> str:
    """Facts of an entry in a line."""
    shown = {name: value for name, value in details.items() if value is not None and value != []}
    texts = {name: value if isinstance(value, str) else json.encode_text(value) for name, value in shown.items()}
    return " · ".join(f"{name}: {text}" for name, text in texts.items())
