"""Subscribers: the open streams of a process, what each wants, and where its frames go."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Counter

from app import events
from app.accounts.credentials import ip_allowlist, revalidation
from app.accounts.principals import Principal
from app.stream.sse_frames import Frame, StreamEvent, ToFrames

DROPPED = Counter("hub_stream_dropped_total", "Streams closed because their reader was too slow.")


@dataclass(frozen=True, slots=True)
class StreamFilter:
    """What a stream shows and how; streams with equal filters share one, and each event is encoded once for them."""

    types: frozenset[str]
    owner_id: int | None
    everybody: bool
    to_frames: ToFrames

    def wants(self, event: StreamEvent) -> bool:
        mine = self.everybody or event.owner_id is None or event.owner_id == self.owner_id
        return event.type in self.types and mine


class Connection(Protocol):
    """A connection that takes frames without waiting for its peer."""

    is_chunked: bool

    @property
    def waiting(self) -> int:
        """Number of frames that the peer has not taken yet."""

    def send(self, data: bytes) -> None:
        """Send ``data`` after everything that waits."""

    def finish(self) -> None:
        """End the answer after everything that waits."""


class Subscriber:
    """An open stream. Its frames wait in a queue for the thread of its answer, or go straight to a connection."""

    __slots__ = (
        "_buffer_events",
        "ability",
        "address",
        "after",
        "connection",
        "credential",
        "dropped",
        "ends_at",
        "filter",
        "keep_alive",
        "sent_at",
        "session",
        "since",
        "waiting",
    )

    def __init__(
        self,
        wanted: StreamFilter,
        caller: Principal,
        *,
        ability: str,
        address: str | None,
        after: int,
        keep_alive: Frame,
        buffer_events: int,
    ) -> None:
        self.filter = wanted
        self.credential = caller.credential
        #: The session that opened the stream, if any.
        self.session = caller.session
        #: The ability that the credential needs.
        self.ability = ability
        #: The address of the reader.
        self.address = address
        #: The reader has the events up to this position. A process may be behind the one that it was connected to.
        self.after = after
        #: The position from which on the broadcaster feeds the stream.
        self.since = 0
        self.keep_alive = keep_alive
        #: ``None`` in the queue ends the stream.
        self.waiting: queue.SimpleQueue[Frame | None] | None = queue.SimpleQueue()
        self.connection: Connection | None = None
        self.dropped = False
        #: Times (``time.monotonic()``) of the end of the stream and of its last frame, for a stream with a connection.
        self.ends_at = self.sent_at = 0.0
        self._buffer_events = buffer_events

    def is_covered_by(self, rights: revalidation.Rights) -> bool:
        """Whether ``rights`` still allow this stream as it was opened."""
        allowed_here = ip_allowlist.is_allowed(rights.allowlist, self.address)
        reads_all = self.filter.types.issubset(events.readable(rights.abilities))
        may_listen = self.ability in rights.abilities and reads_all
        return may_listen and allowed_here and self.filter.everybody == rights.sees_everything

    def offer(self, frame: Frame | None, now: float = 0.0) -> None:
        """Pass ``frame`` on. If too many wait, the reader is too slow: its stream ends and it resumes by its last id.

        After that nothing is passed on, even if there is space again: a later event would hide the gap.
        """
        if self.dropped or (frame is not None and frame.position <= self.after):
            return
        if self.connection is not None:
            self._send(self.connection, frame, now)
        elif self.waiting is not None:
            if self.waiting.qsize() < self._buffer_events:
                self.waiting.put(frame)
            else:
                self.dropped = True

    def offer_all(self, frames: Sequence[Frame], as_one: Frame, now: float) -> None:
        """Pass ``frames`` on; ``as_one`` has all of them, for a reader that takes them at once."""
        connection = self.connection
        if connection is None or connection.waiting or self.dropped or as_one.position <= self.after:
            for frame in frames:
                self.offer(frame, now)
        else:
            self._send(connection, as_one, now)

    def hand_over(self, connection: Connection, now: float, ends_at: float) -> None:
        """Send what waits and all later frames to ``connection``, until ``ends_at``.

        Nothing here waits, so no other thread of a gevent process offers a frame meanwhile.
        """
        waiting, self.waiting = self.waiting, None
        self.connection, self.sent_at, self.ends_at = connection, now, ends_at
        while waiting is not None and not waiting.empty():
            frame = waiting.get_nowait()
            if frame is None:
                connection.finish()
                return
            connection.send(frame.chunk if connection.is_chunked else frame.data)
        if self.dropped:
            self._drop(connection)

    def watch_time(self, now: float, margin: float, keep_alive_seconds: float) -> None:
        """End a stream with a connection after its lifetime, and keep it alive; called every ``margin`` seconds."""
        if self.connection is None or self.dropped:
            return
        if now >= self.ends_at:
            self.connection.finish()
        elif now + margin > self.sent_at + keep_alive_seconds and not self.connection.waiting:
            self._send(self.connection, self.keep_alive, now)

    def _send(self, connection: Connection, frame: Frame | None, now: float) -> None:
        if frame is None:
            connection.finish()
        elif connection.waiting < self._buffer_events:
            self.sent_at = now
            connection.send(frame.chunk if connection.is_chunked else frame.data)
        else:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self.dropped = True
        DROPPED.inc()
        connection.finish()
