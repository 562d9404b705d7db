"""One reader per web process: listens on Redis, closes gaps from the log, and feeds every open stream."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import Counter as Tally
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
from app.accounts.credentials import revalidation
from app.extensions import bus, db
from app.kernel import json
from app.stream.publisher import CHANNEL
from app.stream.sse_frames import StreamEvent, from_message

log = structlog.get_logger(__name__)
CLIENTS = Gauge("hub_stream_clients", "Open event streams.", multiprocess_mode="livesum")
DROPPED = Counter("hub_stream_dropped_total", "Streams closed because their reader was too slow.")

#: Events read from the log in one go; seconds between looks at the log while Redis is silent or gone.
READ_BATCH, MAX_SILENCE_SECONDS, RECONNECT_SECONDS = 200, 5.0, 1.0
#: Seconds between looks whether those who listen still may.
REVALIDATE_SECONDS = 5.0


@dataclass(eq=False, slots=True)
class Subscriber:
    """An open stream: what it wants and what waits to be sent. ``None`` in the queue ends it."""

    types: frozenset[str]
    owner_id: int | None
    everybody: bool
    waiting: queue.Queue[StreamEvent | None]
    credential: str
    #: Without which the credential may not listen.
    ability: str
    #: The session that opened it, if one did.
    session: str | None = None
    since: int = 0
    dropped: bool = field(default=False)

    def wants(self, event: StreamEvent) -> bool:
        mine = self.everybody or event.owner_id is None or event.owner_id == self.owner_id
        return event.type in self.types and mine

    def offer(self, event: StreamEvent | None) -> None:
        """Queue ``event``; a full queue means a slow reader, who is closed and comes back by its last id.

        From then on nothing is queued, even if there is room again: what comes after a gap would hide it.
        """
        if self.dropped:
            return
        try:
            self.waiting.put_nowait(event)
        except queue.Full:
            self.dropped = True


class Broadcaster:
    """Knows the head of the log and everybody who listens in this process."""

    def __init__(self) -> None:
        self._app: Flask | None = None
        self._subscribers: set[Subscriber] = set()
        self._tally: Tally[str] = Tally()
        self._lock = threading.Lock()
        self._head = 0
        self._pid = 0
        self._looked = 0.0
        self.closing = threading.Event()

    def init_app(self, app: Flask) -> None:
        self._app = app

    @contextmanager
    def subscribed(self, subscriber: Subscriber) -> Iterator[None]:
        """Feed ``subscriber`` from now on; ``since`` is the position from which nothing will be missed."""
        self._ensure_running()
        with self._lock:
            subscriber.since = self._head
            self._subscribers.add(subscriber)
            self._tally[subscriber.credential] += 1
        CLIENTS.inc()
        try:
            yield
        finally:
            CLIENTS.dec()
            with self._lock:
                self._subscribers.discard(subscriber)
                self._tally[subscriber.credential] -= 1

    def open_streams(self, credential: str) -> int:
        """How many streams of ``credential`` are open in this process."""
        return self._tally[credential]

    def close(self) -> None:
        """End all streams, so that the process can stop."""
        self.closing.set()
        for subscriber in list(self._subscribers):
            subscriber.offer(None)

    def end_unauthorized_streams(self) -> None:
        """End the streams of whoever was shut out since: a token that was revoked, a user who signed out."""
        with self._lock:
            listening = list(self._subscribers)
        with self._bound_app().app_context():
            able = revalidation.current_abilities({subscriber.credential for subscriber in listening})
            running = revalidation.open_sessions({s.session for s in listening if s.session})
            db.session.rollback()
        for subscriber in listening:
            ended = subscriber.session is not None and subscriber.session not in running
            if ended or subscriber.ability not in able[subscriber.credential]:
                subscriber.offer(None)

    def _end_unauthorized_streams_in_time(self) -> None:
        if time.monotonic() - self._looked < REVALIDATE_SECONDS:
            return
        self._looked = time.monotonic()
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
            except Exception:  # a reader that ended would leave every stream of the process silent
                log.exception("stream_reader_stumbled")
            self._catch_up_safely()
            self._end_unauthorized_streams_in_time()
            time.sleep(RECONNECT_SECONDS)

    def _listen(self) -> None:
        with bus.client.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
            channel.subscribe(CHANNEL)
            # What was published before the subscription stood is in the log.
            self._catch_up_safely()
            heard = time.monotonic()
            while not self.closing.is_set():
                self._end_unauthorized_streams_in_time()
                message = channel.get_message(timeout=1.0)
                if message:
                    heard = time.monotonic()
                    self._take(json.decode(message["data"]))
                elif time.monotonic() - heard > MAX_SILENCE_SECONDS:
                    heard = time.monotonic()
                    self._catch_up_safely()

    def _take(self, message: dict[str, Any]) -> None:
        batch: list[dict[str, Any]] = message["events"]
        if message["head"] < self._head:
            if self._read_head() >= self._head:
                return  # said late: two relays may publish in another order than they committed
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
        while missed := self._read(self._head):
            self._feed(missed)
            if len(missed) < READ_BATCH:
                return

    def _feed(self, batch: Iterable[StreamEvent]) -> None:
        for event in batch:
            with self._lock:
                self._head = event.position
                listening = [s for s in self._subscribers if s.wants(event)]
            for subscriber in listening:
                subscriber.offer(event)

    def _read(self, position: int) -> list[StreamEvent]:
        with self._bound_app().app_context():
            rows = events.read_after(position, types=list(events.CATALOGUE), limit=READ_BATCH, everybody=True)
            return [StreamEvent(row.position or 0, row.type, row.owner_id, row.body) for row in rows]

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
