"""Hooks of Schemathesis: they leave out what the hub takes on purpose, although the document does not name it."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis import Case, HookContext

from app.kernel.identifiers import clean_identifier
from app.stream.schemas import EventId, StreamQuery

POSITIONS = {field.data_key or name for name, field in StreamQuery().fields.items() if isinstance(field, EventId)}


@schemathesis.hook
def filter_case(_context: HookContext, case: Case) -> bool:
    """Leave out blank query values, which count as missing, and the words of clients that have seen no event."""
    for name, value in (case.query or {}).items():
        words = {clean_identifier(text).lower() for text in _texts(value)} & EventId.NO_EVENT
        if "" in words or (words and name in POSITIONS):
            return False
    return True


def _texts(value: Any) -> list[str]:
    """A query value as it is sent: of an object only the keys."""
    if isinstance(value, dict | list):
        return [text for child in value for text in _texts(child)] or [""]
    return ["null" if value is None else str(value)]
