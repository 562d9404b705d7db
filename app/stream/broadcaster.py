"""Broadcaster: one reader per web process that receives events from Redis and passes them to all open streams."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import structlog
from flask import Flask
from prometheus_client import Gauge
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app import events
from app.accounts.credentials import revalidation
from app.extensions import db
from app.kernel import json
from app.kernel.worker.subscription import Subscription
from app.stream.places import places
from app.stream.publisher import CHANNEL
from app.stream.sse_frames import Frame, StreamEvent, ToFrames, from_message
from app.stream.subscriber import StreamFilter, Subscriber

log = structlog.get_logger(__name__)
CLIENTS = Gauge("hub_stream_clients", "Open event streams.", multiprocess_mode="livesum")

#: Events per read of the log; seconds between reads of the log while Redis is silent, and between reconnects.
READ_BATCH, MAX_SILENCE_SECONDS, RECONNECT_SECONDS = 200, 5.0, 1.0
#: Seconds between checks whether the callers of open streams are still allowed to read them.
REVALIDATE_SECONDS = 5.0
#: Streams that get a frame before other threads of the process go on, so that no request waits for all of them.
SLICE = 50
#: Longest time between two looks at the keep-alives and lifetimes of streams, in seconds.
WATCH_SECONDS = 1.0


class Broadcaster:
    """Follows the head of the log and feeds the open streams of this process."""

    def __init__(self) -> None:
        self._app: Flask | None = None
        #: The open streams by their filters: an event is compared and encoded once for all streams of a filter.
        self._groups: dict[StreamFilter, set[Subscriber]] = {}
        self._lock = threading.Lock()
        self._head = 0
        self._pid = 0
        self._revalidated_at = 0.0
        self.closing = threading.Event()

    def init_app(self, app: Flask) -> None:
        self._app = app

    @property
    def subscribers(self) -> list[Subscriber]:
        """All open streams of this process."""
        with self._lock:
            return [subscriber for group in self._groups.values() for subscriber in group]

    def add(self, subscriber: Subscriber) -> None:
        """Feed ``subscriber`` with all events after the position ``since``, which is set here."""
        self._ensure_running()
        with self._lock:
            group = self._groups.setdefault(subscriber.filter, set())
            # Equal filters are one object, because each has a set of names.
            subscriber.filter = next(iter(group)).filter if group else subscriber.filter
            subscriber.since = self._head
            group.add(subscriber)
        CLIENTS.inc()

    def remove(self, subscriber: Subscriber) -> None:
        """Feed ``subscriber`` no longer."""
        with self._lock:
            group = self._groups[subscriber.filter]
            group.remove(subscriber)
            if not group:
                del self._groups[subscriber.filter]
        CLIENTS.dec()

    def close(self) -> None:
        """End all streams, so that the process can stop."""
        self.closing.set()
        for subscriber in self.subscribers:
            subscriber.offer(None)

    def end_unauthorized_streams(self) -> None:
        """End the streams of callers that lost rights: a revoked token, another role, a user who logged out.

        A reader that still has access reconnects and goes on with its present rights.
        """
        listening = self.subscribers
        with self._bound_app().app_context():
            rights = revalidation.current_rights({subscriber.credential for subscriber in listening})
            open_sessions = revalidation.open_sessions({s.session for s in listening if s.session})
            db.session.rollback()
        covered: dict[tuple[Any, ...], bool] = {}
        for subscriber in listening:
            # Streams that agree in these are judged once.
            alike = (subscriber.credential, subscriber.ability, subscriber.address, subscriber.filter)
            if alike not in covered:
                covered[alike] = subscriber.is_covered_by(rights[subscriber.credential])
            logged_out = subscriber.session is not None and subscriber.session not in open_sessions
            if logged_out or not covered[alike]:
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
            threading.Thread(target=self._watch_time, name="stream-clock", daemon=True).start()

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
            self._feed([from_message(event) for event in batch])
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

    def _feed(self, batch: Sequence[StreamEvent]) -> None:
        if not batch:
            return
        with self._lock:
            self._head = batch[-1].position
            listening = [(wanted, list(group)) for wanted, group in self._groups.items()]
        encoded: dict[tuple[ToFrames, int], Frame] = {}
        for wanted, group in listening:
            try:
                frames = [_encoded(event, wanted.to_frames, encoded) for event in batch if wanted.wants(event)]
            except Exception:  # these streams would have a gap, and all others too if this thread ended
                log.exception("stream_frame_failed", first=batch[0].position, last=batch[-1].position)
                for subscriber in group:
                    subscriber.offer(None)
                continue
            if frames:
                self._offer(group, frames)

    @staticmethod
    def _offer(group: Sequence[Subscriber], frames: Sequence[Frame]) -> None:
        as_one = Frame.of_many(frames)
        for start in range(0, len(group), SLICE):
            now = time.monotonic()
            for subscriber in group[start : start + SLICE]:
                subscriber.offer_all(frames, as_one, now)
            time.sleep(0)

    def _watch_time(self) -> None:
        """Keep streams alive and end them after their lifetime, while their frames go straight to their connections."""
        keep_alive_seconds: float = self._bound_app().config["STREAM_KEEP_ALIVE_SECONDS"]
        margin = min(WATCH_SECONDS, keep_alive_seconds / 4)
        while not self.closing.is_set():
            time.sleep(margin)
            listening = self.subscribers
            for start in range(0, len(listening), SLICE):
                now = time.monotonic()
                for subscriber in listening[start : start + SLICE]:
                    subscriber.watch_time(now, margin, keep_alive_seconds)
                time.sleep(0)

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


def _encoded(event: StreamEvent, to_frames: ToFrames, encoded: dict[tuple[ToFrames, int], Frame]) -> Frame:
    """The frame of an event, made when the first stream needs it."""
    key = (to_frames, event.position)
    if key not in encoded:
        encoded[key] = Frame(to_frames(event).encode(), event.position)
    return encoded[key]


broadcaster = Broadcaster()
