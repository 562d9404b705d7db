"""Payloads of the audit trail."""

from __future__ import annotations

from marshmallow import fields

from app.kernel.database.sequences import MAX_ID
from app.kernel.pagination.keyset import KeysetQuery
from app.kernel.schemas.fields import Choice, Identifier, Number, Schema, Timestamp
from app.kernel.schemas.list_field import List
from app.kernel.schemas.period_filters import PeriodFilters

MAX_ENTRIES = 500


class AuditFilters(PeriodFilters):
    """Filters of the audit trail; an entry must match all of them."""

    action = Identifier(100, metadata={"description": "`token.created`, or all actions of one kind: `token.*`."})
    actor = Identifier(200, metadata={"description": "`user:3`, `token:5`, `api_key:7` or the name of a command."})
    subject = Identifier(200, metadata={"description": "`user:3`, `einvoice:12`, or all of one kind: `user:*`."})
    address = Identifier(45, metadata={"description": "IP address of the caller."})
    request_id = Identifier(128)


class AuditSearchQuery(AuditFilters, KeysetQuery):
    """Query of the page."""


class AuditPositionQuery(AuditFilters):
    """Filters after a position."""

    after = Number(
        0, MAX_ID, load_default=0, metadata={"description": "The last position that you have seen; 0 at first."}
    )


class AuditExportQuery(AuditPositionQuery):
    """Query of the export."""

    format = Choice("csv", "jsonl", load_default="csv")


class AuditLogQuery(AuditPositionQuery):
    """Query of the log."""

    limit = Number(1, MAX_ENTRIES, load_default=100)


class AuditEntrySchema(Schema):
    """Who did what to which object, when and from where."""

    position = fields.Integer()
    id = fields.Integer()
    created_at = Timestamp()
    action = fields.String()
    actor = fields.String()
    subject = fields.String()
    details = fields.Dict(metadata={"description": "Facts of the action; values before and after a change."})
    address = fields.String(allow_none=True)
    request_id = fields.String(allow_none=True)


class AuditMetaSchema(Schema):
    """Where the next page begins, and the last position of the whole trail."""

    next_after = fields.Integer()
    head = fields.Integer()


class AuditLogSchema(Schema):
    """Entries after a position, oldest first."""

    data = List(fields.Nested(AuditEntrySchema))
    meta = fields.Nested(AuditMetaSchema)
