"""Streams: replay from the log, live events, keep-alives and the end of the lifetime; and tickets for browsers."""

from __future__ import annotations

import hashlib
import queue
import secrets
import time
import weakref
from collections.abc import Generator, Iterator
from dataclasses import asdict
from datetime import timedelta

from flask import Flask
from sqlalchemy import delete

from app import events
from app.accounts.credentials import ip_allowlist, revalidation
from app.accounts.errors import ScopedTokenAddressRefused
from app.accounts.principals import Principal
from app.extensions import db
from app.kernel import clock
from app.stream.broadcaster import DROPPED, READ_BATCH, Subscriber, broadcaster
from app.stream.models import StreamTicket
from app.stream.places import Limits, places
from app.stream.sse_frames import KEEP_ALIVE, RETRY, StreamEvent, ToFrames

TICKET_LIFETIME = timedelta(seconds=60)


def open_stream(
    app: Flask,
    caller: Principal,
    *,
    address: str | None,
    ability: str,
    types: list[str],
    after: int | None,
    to_frames: ToFrames,
    keep_alive: str = KEEP_ALIVE,
) -> Iterator[str]:
    """Frames of the events of ``types`` after position ``after`` (``None``: from now on), until the stream ends.

    Raises:
        TooManyStreams: the credential has ``STREAMS_PER_CREDENTIAL`` open streams, or its user ``STREAMS_PER_USER``.
        NoPlaceForStream: the process has ``STREAMS_PER_PROCESS`` open streams.
    """
    config = app.config
    places.reserve(
        caller,
        Limits(config["STREAMS_PER_CREDENTIAL"], config["STREAMS_PER_USER"], config["STREAMS_PER_PROCESS"]),
    )
    subscriber = Subscriber(
        types=frozenset(types),
        owner_id=caller.user_id,
        everybody=caller.sees_everything,
        waiting=queue.Queue(app.config["STREAM_BUFFER_EVENTS"]),
        credential=caller.credential,
        ability=ability,
        session=caller.session,
        address=address,
    )
    return _Frames(_frames(app, subscriber, after, to_frames, keep_alive), caller)


class _Frames:
    """The frames of a stream that has a place; the place is free again when the answer is closed.

    A generator that never began (an answer to HEAD, a client that is gone) would not notice that it is closed.
    """

    def __init__(self, frames: Generator[str], caller: Principal) -> None:
        self._frames = frames
        self._release = weakref.finalize(self, places.release, caller)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._frames)

    def close(self) -> None:
        """End the stream."""
        self._frames.close()
        self._release()


def _frames(
    app: Flask, subscriber: Subscriber, after: int | None, to_frames: ToFrames, keep_alive: str
) -> Generator[str]:
    deadline = time.monotonic() + app.config["STREAM_LIFETIME_SECONDS"]
    with broadcaster.subscribed(subscriber):
        yield RETRY + keep_alive
        # The queue has all events after ``since``; the log has the earlier ones.
        if after is not None:
            for missed in _replayed(app, subscriber, after):
                yield to_frames(missed)
        for event in _live(subscriber, deadline, app.config["STREAM_KEEP_ALIVE_SECONDS"]):
            # This process may be slightly behind the one that the reader was connected to before.
            if event is None:
                yield keep_alive
            elif after is None or event.position > after:
                yield to_frames(event)


def _replayed(app: Flask, subscriber: Subscriber, after: int) -> Iterator[StreamEvent]:
    """Missed events, page by page; no database connection is held while a slow reader receives a page."""
    position = after
    while position < subscriber.since:
        with app.app_context():
            read = events.read_after(
                position,
                types=subscriber.types,
                limit=READ_BATCH,
                owner_id=subscriber.owner_id,
                everybody=subscriber.everybody,
                until=subscriber.since,
            )
            page = [StreamEvent(row.position or 0, row.type, row.owner_id, row.body) for row in read.events]
        yield from page
        if read.is_last:
            return
        position = page[-1].position


def _live(subscriber: Subscriber, deadline: float, keep_alive: float) -> Iterator[StreamEvent | None]:
    """Events as they arrive; ``None`` whenever a keep-alive is due."""
    while not broadcaster.closing.is_set() and (left := deadline - time.monotonic()) > 0:
        try:
            event = subscriber.waiting.get(timeout=min(keep_alive, left))
        except queue.Empty:
            yield None
            continue
        if event is None:
            return
        yield event
        if subscriber.dropped and subscriber.waiting.empty():
            DROPPED.inc()
            return


def make_ticket(caller: Principal) -> str:
    """Make a ticket for one stream within ``TICKET_LIFETIME``, for browsers: ``EventSource`` cannot send headers."""
    ticket = secrets.token_urlsafe(32)
    db.session.add(
        StreamTicket(
            ticket_hash=_hash(ticket),
            # A ticket opens a stream only; routes for signed-in users do not accept it.
            principal={**asdict(caller), "abilities": sorted(caller.abilities), "signed_in": False},
            expires_at=clock.now() + TICKET_LIFETIME,
        )
    )
    return ticket


def redeem_ticket(ticket: str, address: str | None) -> Principal | None:
    """Delete the ticket and return its principal; None if it is unknown, used or expired.

    Raises:
        ScopedTokenAddressRefused: the allowlist of the token that made the ticket does not contain ``address``.
    """
    statement = delete(StreamTicket).where(StreamTicket.ticket_hash == _hash(ticket)).returning(StreamTicket)
    row: StreamTicket | None = db.session.scalar(statement)
    if row is None or row.expires_at <= clock.now():
        return None
    # The credential may have lost rights since the ticket was made.
    [rights] = revalidation.current_rights([row.principal["credential"]]).values()
    if not ip_allowlist.is_allowed(rights.allowlist, address):
        raise ScopedTokenAddressRefused
    abilities = rights.abilities.intersection(row.principal["abilities"])
    return Principal(**{**row.principal, "abilities": abilities, "role": rights.role})


def _hash(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()
