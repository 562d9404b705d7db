"""The event log: one ordered log of all events, read by webhooks, streams and the log API."""

from __future__ import annotations

from app.events.log import (
    INSERT_EVENT_SQL,
    count_unpublished,
    emit,
    emit_many,
    event_params,
    last_position,
    latest,
    placeholder,
    purged_position,
    read_after,
)
from app.events.registry import CATALOGUE, EventType, Notice, define, matching, missing_abilities, readable
from app.events.relay import Batch, subscribe

__all__ = [
    "CATALOGUE",
    "INSERT_EVENT_SQL",
    "Batch",
    "EventType",
    "Notice",
    "count_unpublished",
    "define",
    "emit",
    "emit_many",
    "event_params",
    "last_position",
    "latest",
    "matching",
    "missing_abilities",
    "placeholder",
    "purged_position",
    "read_after",
    "readable",
    "subscribe",
]
