"""Payloads of the event log and its streams."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields

from app.events import matching
from app.kernel.database.sequences import MAX_ID
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_, Message
from app.kernel.schemas.fields import HubField, Number, Schema, Text, Timestamp
from app.kernel.schemas.list_field import List

MAX_EVENTS = 500


def _position(**kwargs: Any) -> Number:
    return Number(0, MAX_ID, **kwargs)


class EventId(Number):
    """The position of the last event that a reader has seen; None for the words of clients that have seen none."""

    #: What scripts send for a variable without a value.
    NO_EVENT = frozenset({"", "null", "undefined", "none", "nil", "nan"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(0, MAX_ID, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and clean_identifier(value).lower() in self.NO_EVENT:
            return None
        return super()._deserialize(value, attr, data, **kwargs)


class StreamQuery(Schema):
    """Query of every stream."""

    ticket = Text(100, metadata={"description": "A single-use ticket, for browsers."})
    last_event_id = EventId(
        metadata={"description": "Resume after this id; the header `Last-Event-ID` and `lastEventId` override it."}
    )
    keep_alive_events = fields.Boolean(
        load_default=False,
        metadata={
            "description": "Send keep-alives as events `keep_alive` too, because scripts of browsers see no comments."
        },
    )
    reconnect_id = EventId(
        data_key="lastEventId",
        metadata={"description": "What `event-source-polyfill` sends instead of the header when it reconnects."},
    )


class Topics(HubField):
    """A comma-separated list of event names and wildcards, loaded as the matching event names."""

    def __init__(self, **kwargs: Any) -> None:
        description = "Comma-separated list of events and wildcards: `sales.imported,grn.*` or `*`."
        kwargs["metadata"] = {"type": "string", "example": "sales.*", "description": description}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        patterns = [pattern.strip() for pattern in str(value).split(",") if pattern.strip()]
        unknown = [pattern for pattern in patterns if not matching([pattern])]
        if unknown or not patterns:
            raise ValidationError(
                Message(N_("No such event: %(unknown)s."), unknown=", ".join(unknown) or "none named")
            )
        return matching(patterns)


class TopicStreamQuery(StreamQuery):
    """A stream of chosen events."""

    topics = Topics(load_default=lambda: matching(["*"]))


class LogQuery(Schema):
    """Query of the event log."""

    after = _position(load_default=0, metadata={"description": "The last position that you have seen."})
    limit = Number(1, MAX_EVENTS, load_default=100)
    topics = Topics(load_default=lambda: matching(["*"]))


class EventSchema(Schema):
    """An event: the body that webhooks and streams carry, and its position."""

    position = fields.Integer()
    event = fields.String()
    id = fields.UUID()
    created_at = Timestamp()
    data = fields.Dict()


class LogMetaSchema(Schema):
    """``next_after`` is the ``after`` of the next page; ``head`` is the newest position."""

    next_after = fields.Integer()
    head = fields.Integer()


class LogSchema(Schema):
    """A page of the event log, oldest first."""

    data = List(fields.Nested(EventSchema))
    meta = fields.Nested(LogMetaSchema)


class TicketSchema(Schema):
    """``ticket`` opens one stream as ``?ticket=`` within ``expires_in`` seconds."""

    ticket = fields.String()
    expires_in = fields.Integer()
