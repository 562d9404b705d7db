"""``/api/v1/audit``: the audit trail by position, for collectors."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app.accounts.audit_log import entries
from app.accounts.audit_log.schemas import AuditLogQuery, AuditLogSchema
from app.accounts.guards import requires
from app.accounts.ownership import scope
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
        all entries. Others read what they or their tokens did, and what was done to them. A page of large entries ends
        before `limit`.
        """
        found = entries.read_after(query, scope=scope())
        return {"data": found.entries, "meta": {"next_after": found.next_after, "head": found.head}}
