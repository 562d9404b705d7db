"""Times that a form or a filter sends without an offset: they are in the time zone of the viewer."""

from __future__ import annotations

from datetime import datetime

from app.admin.viewer import local_zone


def with_offset(text: str) -> str:
    """A moment with the offset of the viewer; a text with an offset, or that is no moment, as it is."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return text if moment.tzinfo else moment.replace(tzinfo=local_zone()).isoformat()


def input_value(moment: datetime) -> str:
    """The value of a field ``datetime-local`` for a moment."""
    return moment.astimezone(local_zone()).strftime("%Y-%m-%dT%H:%M")
