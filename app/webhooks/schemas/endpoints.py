"""Schemas of endpoints: settings, responses, rotation, checks of receivers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app import events
from app.kernel.database.sequences import MAX_ID
from app.kernel.messages import N_, Message
from app.kernel.outbound.allowances import MAX_ALLOWANCES, AllowanceSchema
from app.kernel.outbound.ssrf import MAX_URL_LENGTH
from app.kernel.pagination.limits import MAX_PAGE_SIZE, PAGE_SIZE
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Choice, HubField, Metadata, Number, Schema, Text, Timestamp
from app.kernel.schemas.list_field import List
from app.kernel.schemas.switch import Switch
from app.webhooks.models.endpoints import DEFAULT_BODY_BYTES, MAX_BODY_BYTES, MIN_BODY_BYTES, STATUSES

MAX_EVENTS, MAX_HEADERS = 50, 20
MAX_CONCURRENCY, MAX_RATE_PER_MINUTE = 50, 60_000
MAX_GRACE_HOURS = 24


class Pattern(HubField, fields.String):
    """The name of an event, or a wildcard for several: ``einvoice.*``, ``*``."""

    default_error_messages = {"invalid": N_("Expected a string."), "unknown": N_("No such event.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        pattern: str = super()._deserialize(value, attr, data, **kwargs)
        if not events.matching([pattern]):
            raise self.make_error("unknown")
        return pattern


class CustomHeaders(HubField):
    """Custom headers, name to value; the hub's own headers and control characters are refused."""

    default_error_messages = {
        "invalid": N_("Expected an object of strings."),
        "many": Message(N_("Ensure there are no more than %(n)s headers."), n=MAX_HEADERS),
        "name": N_("%(name)s is not the name of a header."),
        "twice": N_("%(name)s is named twice."),
        "ours": N_("%(name)s is set by the hub."),
        "value": N_("The value of %(name)s must be 1 to 1000 printable ASCII characters."),
    }
    _NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
    _VALUE = re.compile(r"[\x20-\x7e]{1,1000}")
    _RESERVED = re.compile(
        r"(x-)?webhook-.*|content-.*|host|user-agent|accept-encoding|connection|keep-alive|te|trailer|"
        r"transfer-encoding|upgrade|expect|proxy-.*|x-forwarded-.*|forwarded|via|date|cookie"
    )

    def __init__(self, **kwargs: Any) -> None:
        json_schema = {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "example": {"X-Api-Key": "k3Jq9vT2"},
        }
        kwargs["metadata"] = {**json_schema, **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, str]:
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise self.make_error("invalid")
        if len(value) > MAX_HEADERS:
            raise self.make_error("many")
        seen: set[str] = set()
        for name, text in value.items():
            self._validate_header(name, text.strip(), seen)
        return {name: text.strip() for name, text in value.items()}

    def _validate_header(self, name: str, text: str, seen: set[str]) -> None:
        if not self._NAME.fullmatch(name):
            raise self.make_error("name", name=repr(name[:100]))
        if self._RESERVED.fullmatch(name.lower()):
            raise self.make_error("ours", name=name)
        if name.lower() in seen:
            raise self.make_error("twice", name=name)
        if not self._VALUE.fullmatch(text):
            raise self.make_error("value", name=name)
        seen.add(name.lower())


class _EndpointSettings(Schema):
    """Settings of an endpoint that can be set at creation and changed later."""

    description = Text(500)
    headers = CustomHeaders(
        load_only=True, allow_none=True, metadata={"description": "Sent with each request; stored encrypted."}
    )
    concurrency = Number(
        1, MAX_CONCURRENCY, metadata={"description": "Maximum number of simultaneous requests; 10 by default."}
    )
    rate_per_minute = Number(
        1,
        MAX_RATE_PER_MINUTE,
        allow_none=True,
        metadata={"description": "Maximum number of requests per minute; null means no limit."},
    )
    max_body_bytes = Number(
        MIN_BODY_BYTES,
        MAX_BODY_BYTES,
        metadata={
            "description": "A larger body is sent thin: ids and totals, `truncated`, and the `url` of the whole event; "
            f"{DEFAULT_BODY_BYTES} by default."
        },
    )
    allowances = List(
        fields.Nested(AllowanceSchema),
        validate=validators.Length(max=MAX_ALLOWANCES),
        metadata={"description": "Set by signed-in admins only, not by tokens."},
    )
    extra = Metadata(data_key="metadata", allow_none=True)


_event_count = validators.Length(
    1,
    MAX_EVENTS,
    error=N_("Choose at least one event, and at most %(max)s."),
)


def _events(**kwargs: Any) -> List:
    """Names of events and wildcards, at least one, no duplicates."""
    return List(Pattern(), validate=[_event_count, _unique], **kwargs)


def _unique(patterns: Sequence[str]) -> None:
    if len(set(patterns)) != len(patterns):
        raise ValidationError(N_("An event is named twice."))


class EndpointDraftSchema(_EndpointSettings):
    """A new endpoint."""

    url = Text(MAX_URL_LENGTH, blank=False, required=True)
    events = _events(required=True, metadata={"example": ["einvoice.*"]})
    enabled = Switch(load_default=True)


class EndpointChangeSchema(_EndpointSettings):
    """Changes to an endpoint; fields that are not sent keep their values."""

    rules = {"minProperties": 1}

    url = Text(MAX_URL_LENGTH, blank=False)
    events = _events()

    @validates_schema
    def _require_a_change(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if not data:
            raise ValidationError(N_("Nothing to change was sent."))


class EndpointSchema(Schema):
    """An endpoint; its secrets and header values are never shown."""

    id = fields.Integer()
    user_id = fields.Integer(attribute="owner_id")
    url = fields.String()
    description = fields.String()
    events = List(fields.String())
    header_names = List(fields.String())
    concurrency = fields.Integer()
    rate_per_minute = fields.Integer(allow_none=True)
    max_body_bytes = fields.Integer()
    allowances = List(fields.Nested(AllowanceSchema))
    extra = Metadata(data_key="metadata", allow_none=True)
    status = Choice(*STATUSES)
    reason = fields.String(allow_none=True)
    waiting_because = fields.String(
        allow_none=True,
        dump_only=True,
        metadata={"description": "Why deliveries wait although the endpoint is enabled: its token has ended."},
    )
    probe_at = Timestamp(allow_none=True)
    last_sequence = fields.Integer()
    previous_secret_until = Timestamp(allow_none=True)
    created_at = Timestamp()
    updated_at = Timestamp()


class EndpointSecretSchema(EndpointSchema):
    """An endpoint with its secret, which is shown only once."""

    secret = fields.String()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        return super().get_attribute(obj if attr == "secret" else obj.endpoint, attr, default)


class EndpointReasonSchema(Schema):
    """Why the endpoint is disabled."""

    reason = Text(500, blank=False, load_default=N_("Switched off by hand."))


class RotationSchema(Schema):
    """For how many hours requests are also signed with the old secret."""

    grace_hours = Number(0, MAX_GRACE_HOURS, load_default=MAX_GRACE_HOURS)


class EndpointQuery(Schema):
    """Filter and page of the list of endpoints."""

    status = Choice(*STATUSES)
    per_page = Number(1, MAX_PAGE_SIZE, load_default=PAGE_SIZE)
    cursor = Number(1, MAX_ID, metadata={"description": "`next_cursor` of the previous page."})


class WebhookPageMetaSchema(Schema):
    """``next_cursor`` is null on the last page."""

    per_page = fields.Integer()
    next_cursor = fields.Integer(allow_none=True)


class EndpointListSchema(Schema):
    """A page of endpoints, newest first."""

    data = List(fields.Nested(EndpointSchema))
    meta = fields.Nested(WebhookPageMetaSchema)


class EndpointTestSchema(Schema):
    """Confirmation that a test event will be sent."""

    message = fields.String()


class FindingSchema(Schema):
    """One request of a check, the response of the receiver, and advice."""

    name = fields.String()
    expected = fields.String()
    status = fields.Integer(allow_none=True)
    milliseconds = fields.Integer()
    error = fields.String(allow_none=True)
    passed = fields.Boolean()
    advice = fields.String(allow_none=True)


class CheckReportSchema(Schema):
    """Findings of a check, and the drift of the receiver's clock."""

    sometimes = frozenset({"findings", "clock_drift_seconds", "error"})

    findings = List(fields.Nested(FindingSchema))
    clock_drift_seconds = fields.Float(allow_none=True)
    error = fields.String()


class ReceiverCheckSchema(Schema):
    """A check of a receiver; ``grade`` is A to F when the check is done."""

    id = fields.Integer()
    endpoint_id = fields.Integer()
    state = Choice("pending", "done", "failed")
    grade = fields.String(allow_none=True)
    report = fields.Nested(CheckReportSchema, allow_none=True)
    created_at = Timestamp()
    finished_at = Timestamp(allow_none=True)
