"""Frames of events in the format ``text/event-stream`` (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.events import CATALOGUE
from app.kernel import json

#: These lines end with one newline and stand before the next event. A blank line after them would be an event without
#: data for ``httpx-sse`` and ``fetch-event-source``, which dispatch at every blank line.
KEEP_ALIVE = ": keep-alive\n"


def keep_alive_frame(seconds: float) -> str:
    """A keep-alive that scripts see, with the seconds between two of them; it has no id and moves no reader."""
    return f'event: keep_alive\ndata: {{"seconds":{seconds:g}}}\n\n'


#: Milliseconds that a browser waits before it reconnects.
RETRY = "retry: 2000\n"


class Frame:
    """Bytes of a stream as they are, and as a chunk of an answer in chunks; made once for all streams that get them.

    ``position`` is that of its event, of the first one if it has several.
    """

    __slots__ = ("chunk", "data", "position")

    def __init__(self, data: bytes, position: int) -> None:
        self.position = position
        self.data = data
        self.chunk = b"%X\r\n%b\r\n" % (len(data), data)

    @classmethod
    def of_many(cls, frames: Sequence[Frame]) -> Frame:
        """All frames as one."""
        return frames[0] if len(frames) == 1 else cls(b"".join(frame.data for frame in frames), frames[0].position)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event with its position, from the log or from Redis."""

    position: int
    type: str
    owner_id: int | None
    body: str


class _Body(msgspec.Struct):
    data: dict[str, msgspec.Raw]


_body = msgspec.json.Decoder(_Body)
ToFrames = Callable[[StreamEvent], str]


def sales_frames(event: StreamEvent) -> str:
    """Frames of the sales document: for a review or an update a short named frame, then the full invoice.

    Only the last frame has the id: a reader that is disconnected between the two gets both again, so none is lost.
    """
    event_type = CATALOGUE[event.type]
    invoice = json.decode(bytes(_body.decode(event.body).data[event_type.key]))
    if event_type.notice is None:
        return _frame(json.encode_text(invoice), position=event.position)
    name, short = event_type.notice(invoice)
    full = {"type": name, **invoice}
    return _frame(json.encode_text(short), name=name) + _frame(json.encode_text(full), position=event.position)


def event_frame(event: StreamEvent) -> str:
    """One frame, named after the event, with the same body as webhooks."""
    return _frame(event.body, name=event.type, position=event.position)


def _frame(data: str, *, name: str | None = None, position: int | None = None) -> str:
    # JSON is one line: CR and LF inside strings are escaped, so ``data`` cannot break the frame.
    lines = [f"id: {position}"] if position is not None else []
    if name:
        lines.append(f"event: {name}")
    return "\n".join([*lines, f"data: {data}", "", ""])


def from_message(message: dict[str, Any]) -> StreamEvent:
    """An event of a Redis message."""
    return StreamEvent(message["position"], message["type"], message["owner_id"], message["body"])
