"""``/api/v1/audit``: the audit trail by position, for collectors."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, current_app
from flask.views import MethodView

from app.accounts import audit
from app.accounts.audit_log import entries, trail_export
from app.accounts.audit_log.schemas import AuditExportQuery, AuditLogQuery, AuditLogSchema
from app.accounts.guards import requires
from app.accounts.ownership import actor, scope
from app.kernel import clock
from app.kernel.http.app import ApiBlueprint

blp = ApiBlueprint("Audit", __name__, url_prefix="/api/v1/audit", description="Who did what, when and from where.")

_ENTRY = {
    "position": 42,
    "id": 57,
    "created_at": "2026-01-18T09:30:00.000000Z",
    "action": "token.created",
    "actor": "user:3",
    "subject": "token:5",
    "details": {"name": "ERP", "abilities": ["sales:read"]},
    "address": "192.0.2.7",
    "request_id": "6f2c1c1e3c1b4a539d3e6f0a2b8f9a11",
}


@blp.route("")
class AuditTrail(MethodView):
    @requires("audit:read")
    @blp.arguments(AuditLogQuery, location="query")
    @blp.response(200, AuditLogSchema, example={"data": [_ENTRY], "meta": {"next_after": 42, "head": 42}})
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Read the audit trail after a position, oldest first.

        A reader that passes `next_after` as the next `after` misses nothing and gets nothing twice. Administrators read
        all entries. Others read what they or their tokens did, and what was done to them and to their e-invoices,
        provider accounts and webhook endpoints. A page of large entries ends before `limit`.
        """
        found = entries.read_after(query, scope=scope())
        return {"data": found.entries, "meta": {"next_after": found.next_after, "head": found.head}}


_JSONL = "application/jsonl"
_WRITERS = {"csv": (trail_export.as_csv, "text/csv"), "jsonl": (trail_export.as_jsonl, _JSONL)}


def answer_export(query: dict[str, Any]) -> Response:
    """An answer with the entries of the caller's scope; the export is an entry too."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    write, mimetype = _WRITERS[query["format"]]
    caller = actor()
    filters = {name: str(value) for name, value in query.items() if name != "format"}
    audit.record("audit.exported", actor=caller, subject=caller, format=query["format"], filters=filters)
    name = f'attachment; filename="audit-{clock.now():%Y%m%d-%H%M%S}.{query["format"]}"'
    headers = {"Content-Disposition": name, "X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return Response(write(app, query, scope()), mimetype=mimetype, headers=headers)


@blp.route("/export")
class AuditExport(MethodView):
    @requires("audit:read")
    @blp.arguments(AuditExportQuery, location="query")
    @blp.doc(responses={200: {"content": {_JSONL: {"schema": {"type": "string", "format": "binary"}}}}})
    @blp.response(200, content_type="text/csv", example="position,created_at,actor,action,…\r\n")
    def get(self, query: dict[str, Any]) -> Response:
        """Export the audit trail after a position as CSV or JSON lines, oldest first, streamed however long it is.

        Texts of the CSV that a spreadsheet would take for formulas are marked as text.
        """
        return answer_export(query)
