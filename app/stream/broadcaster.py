"""Broadcaster: one reader per web process that receives events from Redis and passes them to all open streams."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from flask import Flask
from prometheus_client import Counter, Gauge
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app import events
from app.accounts.credentials import ip_allowlist, revalidation
from app.extensions import db
from app.kernel import json
from app.kernel.worker.subscription import Subscription
from app.stream.places import places
from app.stream.publisher import CHANNEL
from app.stream.sse_frames import StreamEvent, from_message

log = structlog.get_logger(__name__)
CLIENTS = Gauge("hub_stream_clients", "Open event streams.", multiprocess_mode="livesum")
DROPPED = Counter("hub_stream_dropped_total", "Streams closed because their reader was too slow.")

#: Events per read of the log; seconds between reads of the log while Redis is silent, and between reconnects.
READ_BATCH, MAX_SILENCE_SECONDS, RECONNECT_SECONDS = 200, 5.0, 1.0
#: Seconds between checks whether the callers of open streams are still allowed to read them.
REVALIDATE_SECONDS = 5.0


@dataclass(eq=False, slots=True)
class Subscriber:
    """An open stream: its filter and its queue of events to send. ``None`` in the queue ends it."""

    types: frozenset[str]
    owner_id: int | None
    everybody: bool
    waiting: queue.Queue[StreamEvent | None]
    credential: str
    #: The ability that the credential needs.
    ability: str
    #: The session that opened the stream, if any.
    session: str | None = None
    #: The address of the reader.
    address: str | None = None
    since: int = 0
    dropped: bool = field(default=False)

    def wants(self, event: StreamEvent) -> bool:
        mine = self.everybody or event.owner_id is None or event.owner_id == self.owner_id
        return event.type in self.types and mine

    def is_covered_by(self, rights: revalidation.Rights) -> bool:
        """Whether ``rights`` still allow this stream as it was opened."""
        allowed_here = ip_allowlist.is_allowed(rights.allowlist, self.address)
        reads_all = self.types.issubset(events.readable(rights.abilities))
        may_listen = self.ability in rights.abilities and reads_all
        return may_listen and allowed_here and self.everybody == rights.sees_everything

    def offer(self, event: StreamEvent | None) -> None:
        """Queue ``event``. If the queue is full, the reader is too slow: its stream ends and it resumes by its last id.

        After that nothing is queued, even if there is space again: a later event would hide the gap.
        """
        if self.dropped:
            return
        try:
            self.waiting.put_nowait(event)
        except queue.Full:
            self.dropped = True


class Broadcaster:
    """Follows the head of the log and feeds the open streams of this process."""

    def __init__(self) -> None:
        self._app: Flask | None = None
        self._subscribers: set[Subscriber] = set()
        self._lock = threading.Lock()
        self._head = 0
        self._pid = 0
        self._revalidated_at = 0.0
        self.closing = threading.Event()

    def init_app(self, app: Flask) -> None:
        self._app = app

    @contextmanager
    def subscribed(self, subscriber: Subscriber) -> Iterator[None]:
        """Feed ``subscriber`` with all events after the position ``since``, which is set here."""
        self._ensure_running()
        with self._lock:
            subscriber.since = self._head
            self._subscribers.add(subscriber)
        CLIENTS.inc()
        try:
            yield
        finally:
            CLIENTS.dec()
            with self._lock:
                self._subscribers.discard(subscriber)

    def close(self) -> None:
        """End all streams, so that the process can stop."""
        self.closing.set()
        for subscriber in list(self._subscribers):
            subscriber.offer(None)

    def end_unauthorized_streams(self) -> None:
        """End the streams of callers that lost rights: a revoked token, another role, a user who logged out.

        A reader that still has access reconnects and goes on with its present rights.
        """
        with self._lock:
            listening = list(self._subscribers)
        with self._bound_app().app_context():
            rights = revalidation.current_rights({subscriber.credential for subscriber in listening})
            open_sessions = revalidation.open_sessions({s.session for s in listening if s.session})
            db.session.rollback()
        for subscriber in listening:
            logged_out = subscriber.session is not None and subscriber.session not in open_sessions
            if logged_out or not subscriber.is_covered_by(rights[subscriber.credential]):
                subscriber.offer(None)

    def _revalidate_if_due(self) -> None:
        if time.monotonic() - self._revalidated_at < REVALIDATE_SECONDS:
            return
        self._revalidated_at = time.monotonic()
        try:
            self.end_unauthorized_streams()
        except SQLAlchemyError as error:
            log.warning("stream_database_away", error=str(error))

    def _ensure_running(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._head = self._read_head()
            self._pid = os.getpid()
            threading.Thread(target=self._run, name="stream-hub", daemon=True).start()

    def _run(self) -> None:
        while not self.closing.is_set():
            try:
                self._listen()
            except RedisError as error:
                log.warning("stream_redis_away", error=str(error))
            except Exception:  # without this thread all streams of the process would be silent
                log.exception("stream_reader_failed")
            self._catch_up_safely()
            self._revalidate_if_due()
            places.exchange_if_due()
            time.sleep(RECONNECT_SECONDS)

    def _listen(self) -> None:
        with Subscription(CHANNEL) as channel:
            # Events that were published before the subscription are in the log.
            self._catch_up_safely()
            last_message_at = time.monotonic()
            while not self.closing.is_set():
                self._revalidate_if_due()
                places.exchange_if_due()
                message = channel.receive(1.0)
                if message:
                    last_message_at = time.monotonic()
                    self._receive(json.decode(message["data"]))
                elif time.monotonic() - last_message_at > MAX_SILENCE_SECONDS:
                    last_message_at = time.monotonic()
                    self._catch_up_safely()

    def _receive(self, message: dict[str, Any]) -> None:
        batch: list[dict[str, Any]] = message["events"]
        if message["head"] < self._head:
            if self._read_head() >= self._head:
                return  # an older message: two relays may publish in another order than they committed
            log.warning("event_log_went_back", head=message["head"], known=self._head)  # restored from a backup
            self._head = message["head"] - len(batch)
        if batch and batch[0]["position"] == self._head + 1:
            self._feed(from_message(event) for event in batch)
        elif message["head"] > self._head:
            self._catch_up_safely()

    def _catch_up_safely(self) -> None:
        try:
            self._catch_up()
        except SQLAlchemyError as error:
            log.warning("stream_database_away", error=str(error))

    def _catch_up(self) -> None:
        is_last = False
        while not is_last:
            missed, is_last = self._read(self._head)
            self._feed(missed)

    def _feed(self, batch: Iterable[StreamEvent]) -> None:
        for event in batch:
            with self._lock:
                self._head = event.position
                listening = [s for s in self._subscribers if s.wants(event)]
            for subscriber in listening:
                subscriber.offer(event)

    def _read(self, position: int) -> tuple[list[StreamEvent], bool]:
        """The events of a page after ``position``, and whether it is the last page."""
        with self._bound_app().app_context():
            page = events.read_after(position, types=list(events.CATALOGUE), limit=READ_BATCH, everybody=True)
            found = [StreamEvent(row.position or 0, row.type, row.owner_id, row.body) for row in page.events]
            return found, page.is_last

    def _read_head(self) -> int:
        with self._bound_app().app_context():
            head = events.last_position()
            db.session.rollback()
            return head

    def _bound_app(self) -> Flask:
        if self._app is None:
            raise RuntimeError("the stream hub is not bound to an application")
        return self._app


broadcaster = Broadcaster()
