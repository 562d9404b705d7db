"""Floor 2: one log of everything that happened, in one order, for every channel out of the hub."""

from __future__ import annotations

from app.events.log import INSERT_DRAFT, after, draft, emit, emit_many, head, late, latest, purged, waiting
from app.events.registry import CATALOGUE, EventType, Notice, define, matching
from app.events.relay import Batch, subscribe

__all__ = [
    "CATALOGUE",
    "INSERT_DRAFT",
    "Batch",
    "EventType",
    "Notice",
    "after",
    "define",
    "draft",
    "emit",
    "emit_many",
    "head",
    "late",
    "latest",
    "matching",
    "purged",
    "subscribe",
    "waiting",
]
