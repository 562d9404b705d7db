"""Schemas of deliveries: filters, attempts, recovery, pull and reconciliation."""

from __future__ import annotations

from marshmallow import fields

from app.kernel.database.sequences import MAX_ID
from app.kernel.pagination.limits import MAX_PAGE_SIZE, PAGE_SIZE
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Choice, DateTime, Identifier, Number, Schema, Timestamp
from app.kernel.schemas.list_field import List
from app.webhooks.models.deliveries import STATES
from app.webhooks.schemas.endpoints import Pattern, WebhookPageMetaSchema

MAX_PULLED_EVENTS = 500
RECOVERED_PER_MINUTE, MAX_RECOVERED_PER_MINUTE = 600, 6000


class DeliveryQuery(Schema):
    """Filters for deliveries; all of them must match."""

    endpoint_id = Number(1, MAX_ID)
    event = Pattern(metadata={"description": "Name of an event, or a wildcard: `einvoice.issued`, `sales.*`."})
    event_id = fields.UUID(metadata={"description": "Id of the event, sent as `X-Webhook-Id`."})
    subject_id = Number(
        1,
        MAX_ID,
        metadata={
            "description": "Id of the invoice or receipt; use together with `event`, such as `event=einvoice.*`."
        },
    )
    reference = Identifier(100, metadata={"description": "Number of the invoice or receipt."})
    sequence = Number(1, MAX_ID)
    state = Choice(*STATES)
    response_status = Number(100, 999)
    since = DateTime()
    until = DateTime()
    per_page = Number(1, MAX_PAGE_SIZE, load_default=PAGE_SIZE)
    cursor = Number(1, MAX_ID, metadata={"description": "`next_cursor` of the previous page."})


class WebhookDeliverySchema(Schema):
    """One event for one endpoint."""

    id = fields.Integer()
    endpoint_id = fields.Integer()
    url = fields.String(attribute="endpoint.url")
    event = fields.String()
    event_id = fields.UUID()
    position = fields.Integer()
    sequence = fields.Integer()
    subject_id = fields.Integer()
    reference = fields.String(allow_none=True)
    state = Choice(*STATES)
    is_paused = fields.Boolean()
    is_on_its_way = fields.Boolean()
    attempts = fields.Integer()
    next_attempt_at = Timestamp(allow_none=True)
    response_status = fields.Integer(allow_none=True)
    error = fields.String(allow_none=True)
    created_at = Timestamp()
    finished_at = Timestamp(allow_none=True)


class DeliveryAttemptSchema(Schema):
    """One request as it was sent (values of custom headers hidden), and its response."""

    number = fields.Integer()
    outcome = Choice("delivered", "failed", "lost")
    started_at = Timestamp()
    milliseconds = fields.Integer(allow_none=True)
    url = fields.String()
    address = fields.String(allow_none=True)
    request_headers = fields.Dict(keys=fields.String(), values=fields.String())
    response_status = fields.Integer(allow_none=True)
    response_headers = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)
    response_body = fields.String(allow_none=True)
    error = fields.String(allow_none=True)


class WebhookDeliveryDetailSchema(WebhookDeliverySchema):
    """A delivery with every attempt and the exact body."""

    request_body = fields.String(allow_none=True)
    attempt_log = List(
        fields.Nested(DeliveryAttemptSchema), metadata={"description": "The newest 100 attempts, oldest first."}
    )


class WebhookDeliveryListSchema(Schema):
    """A page of deliveries, newest first."""

    data = List(fields.Nested(WebhookDeliverySchema))
    meta = fields.Nested(WebhookPageMetaSchema)


class RecoverySchema(Schema):
    """Deliveries to send again."""

    since = DateTime(required=True)
    until = DateTime()
    states = List(
        Choice("failed", "delivered"),
        load_default=lambda: ["failed"],
        validate=validators.Length(1, 2),
        metadata={"description": "Add `delivered` if the receiver lost data."},
    )
    per_minute = Number(1, MAX_RECOVERED_PER_MINUTE, load_default=RECOVERED_PER_MINUTE)


class RecoveredSchema(Schema):
    """Number of deliveries that will be sent again, and when the first and the last are due."""

    count = fields.Integer()
    first_due_at = Timestamp(allow_none=True)
    last_due_at = Timestamp(allow_none=True)


class PullQuery(Schema):
    """Position to continue from."""

    after = Number(0, MAX_ID, load_default=0, metadata={"description": "The last position that you have seen."})
    limit = Number(1, MAX_PULLED_EVENTS, load_default=100)


class PulledSchema(Schema):
    """A delivery with its body."""

    delivery_id = fields.Integer()
    sequence = fields.Integer()
    position = fields.Integer()
    state = Choice(*STATES)
    attempts = fields.Integer()
    body = fields.Raw(metadata={"type": "object", "additionalProperties": True})


class PullMetaSchema(Schema):
    """``next_after`` is the position for the next call; ``head`` is the newest position of the log."""

    next_after = fields.Integer()
    head = fields.Integer()
    last_sequence = fields.Integer()


class PullSchema(Schema):
    """A page of the events of this endpoint, oldest first."""

    data = List(fields.Nested(PulledSchema))
    meta = fields.Nested(PullMetaSchema)


class DeliveryGapSchema(Schema):
    """A run of sequences that have not arrived."""

    first = fields.Integer()
    last = fields.Integer()
    pending = fields.Integer()
    failed = fields.Integer()
    oldest_at = Timestamp()
    newest_at = Timestamp()


class ReconciliationSchema(Schema):
    """Everything up to ``complete_through`` has arrived; ``kept_from`` is the oldest sequence still stored."""

    endpoint_id = fields.Integer()
    status = fields.String()
    last_sequence = fields.Integer()
    complete_through = fields.Integer()
    delivered = fields.Integer()
    pending = fields.Integer()
    failed = fields.Integer()
    kept_from = fields.Integer(allow_none=True)
    gaps = List(fields.Nested(DeliveryGapSchema))
    more_gaps = fields.Boolean()
