"""How an event looks on the wire: the frames of the ``text/event-stream`` format (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from app.events import CATALOGUE
from app.kernel import json

KEEP_ALIVE = ": keep-alive\n\n"
#: Milliseconds that a browser waits before it comes back.
RETRY = "retry: 2000\n\n"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event with its position, as the log or Redis gave it."""

    position: int
    type: str
    owner_id: int | None
    body: str


class _Body(msgspec.Struct):
    data: dict[str, msgspec.Raw]


_body = msgspec.json.Decoder(_Body)
ToFrames = Callable[[StreamEvent], str]


def sales_frames(event: StreamEvent) -> str:
    """The documents' frames: for a review or an update a short named one first, then the full invoice.

    Only the last frame carries the id: whoever is cut off between the two is sent both again, so none is lost.
    """
    kind = CATALOGUE[event.type]
    invoice = json.decode(bytes(_body.decode(event.body).data[kind.key]))
    if kind.notice is None:
        return _frame(json.encode_text(invoice), position=event.position)
    name, short = kind.notice(invoice)
    full = {"type": name, **invoice}
    return _frame(json.encode_text(short), name=name) + _frame(json.encode_text(full), position=event.position)


def event_frame(event: StreamEvent) -> str:
    """One frame named after the event, with the body that webhooks get too."""
    return _frame(event.body, name=event.type, position=event.position)


def _frame(data: str, *, name: str | None = None, position: int | None = None) -> str:
    # JSON on one line: CR and LF inside strings are escaped, so ``data`` cannot break the framing.
    lines = [f"id: {position}"] if position is not None else []
    if name:
        lines.append(f"event: {name}")
    return "\n".join([*lines, f"data: {data}", "", ""])


def from_message(message: dict[str, Any]) -> StreamEvent:
    """An event out of a broadcast."""
    return StreamEvent(message["position"], message["type"], message["owner_id"], message["body"])
